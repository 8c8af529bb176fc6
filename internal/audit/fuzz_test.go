package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// FuzzLine: whatever stands in an entry, its line is one line of JSON without
// a character that a terminal obeys, and says what the entry says.
func FuzzLine(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.LookupPaths) {
		f.Add(text, "variables/"+text, int64(len(text)), 1)
	}
	f.Add("a\"\\\n\r\x00\x7f", "\u2028\u0085\u009b31m\xff", int64(-1), 2)
	f.Add(strings.Repeat("é", 700), strings.Repeat("a", 1025), int64(1)<<62, 3)
	f.Fuzz(func(t *testing.T, name, typed string, version int64, count int) {
		e := audit.Entry{Time: time.Unix(1, 0), Principal: typed, Remote: name + ":1", Kind: name, Team: typed, Name: name, Typed: typed, Version: version,
			Outcome: typed, Layer: name, Source: typed, Duration: time.Second}
		var out bytes.Buffer
		l := audit.New(&out)
		if err := l.Write(&e); err != nil {
			t.Fatal(err)
		}
		line := lineIn(t, out.String())
		for member, text := range map[string]string{"principal": typed, "remote": name + ":1", "kind": name, "team": typed, "name": name, "typed": typed,
			"outcome": typed, "layer": name, "source": typed} {
			if got, _ := line[member].(string); got != kept(text) {
				t.Errorf("%s is %q, want %q", member, got, kept(text))
			}
		}
		if got, _ := line["version"].(json.Number); version != 0 && got.String() != fmt.Sprint(version) {
			t.Errorf("the version is %s, want %d", got, version)
		}
		out.Reset()
		more := e
		more.Outcome, more.Action = "other", name
		for range count % 4 {
			l.Count(&e)
			l.Count(&more)
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		if n := count % 4; n > 0 {
			if got := lineIn(t, out.String())["count"]; got != json.Number(fmt.Sprint(2*n)) {
				t.Errorf("the count is %v, want %d", got, 2*n)
			}
		}
	})
}

// lineIn is the one line of a log.
func lineIn(t *testing.T, text string) map[string]any {
	t.Helper()
	line, end, _ := strings.Cut(text, "\n")
	if end != "" || !strings.HasSuffix(text, "\n") {
		t.Errorf("%q is not one line", text)
	}
	for _, r := range line {
		if unicode.IsControl(r) || r == 0x2028 || r == 0x2029 {
			t.Errorf("%q has the character %U", line, r)
		}
	}
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil || d.More() {
		t.Fatalf("%q is not one object of JSON: %v", line, err)
	}
	return v
}

// kept is what a line keeps of a text.
func kept(text string) string {
	const most = 1 << 10
	note := ""
	if len(text) > most {
		text, note = text[:most], fmt.Sprintf("... (%d bytes)", len(text))
	}
	return string([]rune(text)) + note
}
