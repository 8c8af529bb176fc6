package vectors

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// longestText is the longest seed: a longer one slows the fuzzer down and
// shows it nothing new.
const longestText = 2 << 10

// Texts are the seeds that the cases of a family give a fuzz target: every
// string of their input, once and sorted, and every object of it as JSON.
func Texts(t testing.TB, family Family) []string {
	t.Helper()
	files, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		if f.Family() != family {
			continue
		}
		for _, c := range f.Cases {
			var v any
			if err := json.Unmarshal(c.Input, &v); err != nil {
				t.Fatal(err)
			}
			texts(v, seen)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func texts(v any, seen map[string]bool) {
	add := func(text string) {
		if len(text) <= longestText {
			seen[text] = true
		}
	}
	switch v := v.(type) {
	case string:
		add(v)
	case []any:
		for _, one := range v {
			texts(one, seen)
		}
	case map[string]any:
		if b, err := json.Marshal(v); err == nil {
			add(string(b))
		}
		for _, one := range v {
			texts(one, seen)
		}
	}
}
