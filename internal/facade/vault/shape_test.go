package vault

import (
	"bytes"
	"encoding/json"
	"testing"
)

// counted is the shape of valid JSON, found by parsing it.
func counted(t *testing.T, b []byte) shape {
	var s shape
	level := 0
	inObject, isKey := []bool{false}, []bool{false}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return s
		}
		last := len(inObject) - 1
		closes := token == json.Delim('}') || token == json.Delim(']')
		if !closes && level > 0 && (!inObject[last] || isKey[last]) {
			s.entries++
			if level == 1 {
				s.top++
			}
		}
		if !closes && inObject[last] {
			isKey[last] = !isKey[last]
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			level++
			s.depth = max(s.depth, level)
			inObject, isKey = append(inObject, token == json.Delim('{')), append(isKey, true)
		case json.Delim('}'), json.Delim(']'):
			level--
			inObject, isKey = inObject[:last], isKey[:last]
		}
	}
}

func FuzzShape(f *testing.F) {
	for _, text := range []string{`{}`, `[]`, ` { "a" : [ ] } `, `{"a":1,"b":[1,2,{"c":{}}]}`, `{"a\"},{":"\\","b":"[,]"}`, `[[],[],[[]]]`,
		`{"a":"b` + "\n" + `"}`, `["` + "\u2028" + `,"]`, `,,[{`, `{"versions":[1,1,1]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := shapeOf(b)
		if !json.Valid(b) {
			return
		}
		if want := counted(t, b); got != want {
			t.Errorf("%q has the shape %+v, want %+v", b, got, want)
		}
	})
}
