package filestore

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
)

const fileCanary = "CANARY-5d1e"

// FuzzLocal reads any text as a local file of each format: it has the members
// that JSON says, or the lines of an env file, and an error has a type and no
// piece of the file.
func FuzzLocal(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.ConnectionParse) {
		f.Add(text)
		f.Add("a=" + text)
		if text, err := json.Marshal(text); err == nil {
			f.Add("a: " + string(text))
		}
	}
	for _, text := range []string{"a=1\na=2\n# c\n", "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: !!set {f}}\n", "a: &x [*x]\n", "{a: &b {<<: [*b]}}", "%YAML 1.2\n---\na: 0o7\n", "1: 2\n? [a]\n: b\n",
		`{"a": NaN, "b": [1], "a": {"conn_type": "x", "extra_dejson": {"y": 1}}}`, "a: 2001-01-01 1:00:00\nb: !!omap [c: 1]\nd: !!binary eA==\n", "\ufeffa: 1\u2028b", "a=b\x1dc=d\r\re=f",
		"a: !!python/object:x {}\n", "a: 1_000:59\nb: 1e400\nc: 0x_\nd: .inf\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []string{"env", "json", "yaml"} {
			local(t, format, text)
		}
	})
}

// local reads one text in one format.
func local(t *testing.T, format, text string) {
	parse := map[string]func(path, content string) (*file, error){"env": parseEnv, "json": parseJSON, "yaml": parseYAML}[format]
	content, err := decode([]byte(text))
	var read *file
	if err == nil {
		read, err = parse("secrets."+format, content)
	}
	var members []string
	for _, load := range []func(*file) (*pyjson.Object, error){(*file).variables, (*file).configs, (*file).connections} {
		if err != nil {
			break
		}
		made, failed := load(read)
		if members = read.members.Keys(); failed == nil {
			encoded := pyjson.Encode(made)
			again, err := pyjson.Decode(encoded)
			if err != nil || pyjson.Encode(again) != encoded {
				t.Errorf("%s of %q: %q is not the JSON of itself, %v", format, text, encoded, err)
			}
		}
		refused(t, format, text, failed)
	}
	if err != nil {
		refused(t, format, text, err)
		return
	}
	var object map[string]json.RawMessage
	if format == "json" && json.Unmarshal([]byte(content), &object) == nil {
		if slices.Sort(members); !slices.Equal(members, slices.Sorted(maps.Keys(object))) {
			t.Errorf("%q has the members %q", text, members)
		}
	}
	for _, key := range members {
		if format == "env" && !strings.Contains(content, key+"=") {
			t.Errorf("%q has the key %q", text, key)
		}
	}
}

// refused looks at an error of a file, nil for none.
func refused(t *testing.T, format, text string, err error) {
	var typed *store.Error
	if err == nil {
		return
	}
	if !errors.As(err, &typed) || typed.Code != store.Invalid || typed.Err == nil {
		t.Errorf("%s of %q: the error %v has no type", format, text, err)
	}
	if strings.Contains(err.Error()+typed.Hint, fileCanary) && !strings.Contains(text, fileCanary+`"`) {
		t.Errorf("%s: the error %v has a piece of the file", format, err)
	}
}

// Mappings that merge each other are followed a bounded number of times: a
// file whose merges double with each line does not hold up a look-up.
func TestMergesThatDouble(t *testing.T) {
	var empty, full strings.Builder
	empty.WriteString("a0: &a0 {}\n")
	full.WriteString("a0: &a0 {x: 1, y: 2}\n")
	for i := range 150 {
		line := strings.NewReplacer("NEW", string(rune('A'+i/26))+string(rune('a'+i%26)), "OLD", previous(i)).Replace("aNEW: &aNEW {<<: [*aOLD, *aOLD]}\n")
		empty.WriteString(line)
		full.WriteString(line)
	}
	for _, text := range []string{empty.String(), full.String()} {
		if _, err := parseYAML("x.yaml", text); err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("the file is read, or refused as %v", err)
		}
	}
}

func previous(i int) string {
	if i--; i < 0 {
		return "0"
	}
	return string(rune('A'+i/26)) + string(rune('a'+i%26))
}
