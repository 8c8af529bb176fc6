package vault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// The bounds on one request. A body of few bytes can ask for a lot of work, so
// what it names is bounded too.
const (
	maxBody = 1 << 20
	// maxAuthBody is that of a body which holds credentials only, and which
	// may come from anybody.
	maxAuthBody = 16 << 10
	maxDepth    = 500
	// maxEntries is how many members and items one object holds, in all of its
	// objects and lists together.
	maxEntries = 10_000
	// maxPaths is how many paths one request asks about.
	maxPaths = 256
	// maxParameters is how many parameters a query has.
	maxParameters = 64
	// maxKept is how many versions max_versions may let a secret have.
	maxKept = 10_000
)

// beyond refuses a request that asks for more than a bound.
func beyond(what string, most int) error {
	return &statusError{http.StatusBadRequest, fmt.Sprintf("%s: at most %d in one request", what, most)}
}

// shape is how deep arrays and objects of JSON are nested, and how many entries
// they have in all and at the top, counted without parsing and without taking
// it to be well formed.
type shape struct{ depth, entries, top int }

func shapeOf(b []byte) shape {
	var s shape
	level, inString, opened := 0, false, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			continue
		}
		first := opened && !inString && c != ']' && c != '}'
		if opened = false; first || c == ',' && !inString {
			s.entries++
			if level == 1 {
				s.top++
			}
		}
		switch {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			s.depth, opened = max(s.depth, level), true
		case c == '}' || c == ']':
			level--
		}
	}
	return s
}

// checkEntries refuses a member that holds more than can be kept.
func checkEntries(field string, raw []byte) error {
	if shapeOf(raw).entries > maxEntries {
		return beyond("members and items in "+field, maxEntries)
	}
	return nil
}

// items are those of a JSON list, most at the most.
func items(what string, raw rawJSON, most int) ([]rawJSON, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the bracket
		return nil, badJSON(explain(err))
	}
	var list []rawJSON
	for d.More() {
		if len(list) == most {
			return nil, beyond(what, most)
		}
		var item rawJSON
		if err := d.Decode(&item); err != nil {
			return nil, badJSON(explain(err))
		}
		list = append(list, item)
	}
	return list, nil
}

// versions are those that a body names, each once.
func versions(body object) ([]int64, error) {
	numbers, err := asInts("versions", body["versions"], store.MaxVersions)
	if err != nil {
		return nil, err
	}
	return store.DistinctVersions(numbers)
}

// checkQuery bounds the parameters before anybody parses them.
func checkQuery(raw string) error {
	if strings.Count(raw, "&") >= maxParameters {
		return beyond("parameters", maxParameters)
	}
	return nil
}
