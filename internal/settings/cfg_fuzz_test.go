package settings

import (
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
)

// FuzzConfig: options of an airflow.cfg point at themselves, and come back
// from a file that has them in the plainest way.
func FuzzConfig(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.LookupPaths) {
		if strings.HasPrefix(text, "{") {
			f.Add("[secrets]\nbackend_kwargs = " + text + "\n")
		}
	}
	for _, text := range []string{"[a]\nb = %(c)s\n  d\nc: %%e\n", "[DEFAULT]\nx=1\n[a]\n y=%(x)s%(y)s\n", "[a]\r\nb=1\r c\n", "[a]\nb\x1c=\u00a01\n\x1c#x\n\n c\n", "[a\n]",
		"[]\n[a]]\n=\nb=\n", "[a]\nb=%\n", "[a]\n# c\nb = 1 ; d\n\u2028e\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parseConfig("airflow.cfg", text, false)
		if err != nil {
			if store.CodeOf(err) != store.Invalid {
				t.Errorf("%q: %v has no code", text, err)
			}
			return
		}
		options, err := ReadConfig("airflow.cfg", text)
		if err != nil {
			t.Fatal(err)
		}
		var again strings.Builder
		section := ""
		for i, o := range options {
			if got := text[o.Key.Start:o.Key.End]; got != o.Home.Key {
				t.Errorf("option %q of %q stands at %q", o.Home.Key, text, got)
			}
			if o.Whole.Start > o.Key.Start || o.Key.End > o.Text.Start || o.Text.End != o.Whole.End || i > 0 && options[i-1].Whole.End > o.Whole.Start {
				t.Errorf("option %q of %q is %+v", o.Home.Key, text, o)
			}
			if section != o.Home.Section || i == 0 {
				section = o.Home.Section
				again.WriteString("[" + section + "]\n")
			}
			raw, _ := file.raw(o.Home.Section, o.Home.Key)
			again.WriteString(o.Home.Key + "=" + strings.ReplaceAll(raw.text, "\n", "\n\t") + "\n")
		}
		copied, err := parseConfig("airflow.cfg", again.String(), false)
		if err != nil {
			t.Fatalf("%q, written again as %q: %v", text, again.String(), err)
		}
		for _, o := range options {
			raw, _ := file.raw(o.Home.Section, o.Home.Key)
			if got := copied.sections[o.Home.Section][o.Home.Key]; got.text != raw.text {
				t.Errorf("%q of %q is %q, and comes back as %q", o.Home.Key, text, raw.text, got.text)
			}
		}
	})
}
