package awsconn

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// files of ~/.aws, and what is nearly one.
var sharedFiles = []string{
	"", "[default]\naws_access_key_id = A\naws_secret_access_key=b = c\n", "[profile a b]\ns3 =\n  max = 1\n\n  # no\n  min : 2\n\nregion: x\n",
	"[a]\nX=1\nx=2\n", "[a]\n[a]\n", "a=1\n", "[a]\nno value\n", "[a]\n=1\n", "[a\nb=1\n", "[]\n", "[a]]\nb=1\n", "[a] # b ]\nb=1 ; c\n", "; x\n# y\n [a]\n b = 1\n c = 2\n  d\ne\n",
	"[a]\r\nb=1\r\n  2\r\n", "[a]\rb=1\rc=2", "[a]\n\u00a0b=1\n\x1cc=2\n", "[a]\nb=1\n\u2003c\n", "[a]\nÀ=1\nß=2\n", "[a]\nb=\n\n\n[c]\n", "[default]\n[DEFAULT]\nx=1\n", "[a]\nb=1\n#\n c\n",
	"[a]\nb\x0b=1\x0b\n", "[a]\n b=1\nc=2\n  [d]\n", "[ a ]\nb=1\n[a]\nb=2\n", "[a]\nrem x\n", "[a]\nb=1\u0085c=2\n", "[a]\nb=1\u2028c=2\n",
}

// Shared files are read as Python's RawConfigParser reads them for botocore.
func TestSharedFilesAsPython(t *testing.T) {
	asked, err := json.Marshal(sharedFiles)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "python3", "-c", `import configparser, io, json, sys
def read(text):
    parser = configparser.RawConfigParser(default_section=None)
    try: parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error: return None
    return {name: dict(parser.items(name)) for name in parser.sections()}
print(json.dumps([read(text) for text in json.loads(sys.argv[1])]))`, string(asked)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []map[string]section
	if err := json.Unmarshal(out, &want); err != nil || len(want) != len(sharedFiles) {
		t.Fatal(err)
	}
	for i, text := range sharedFiles {
		got, err := parseINI(text)
		if (err != nil) != (want[i] == nil) || err == nil && fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want[i]) {
			t.Errorf("%q is read as %q, %v; Python reads %q", text, got, err, want[i])
		}
	}
}

// FuzzINI: what is read from a file, written down again in the plainest way,
// is read as the same.
func FuzzINI(f *testing.F) {
	for _, text := range sharedFiles {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := parseINI(text)
		if err != nil {
			return
		}
		again, err := parseINI(written(sections))
		if err != nil || fmt.Sprintf("%q", again) != fmt.Sprintf("%q", sections) {
			t.Errorf("%q is %q, and comes back as %q, %v", text, sections, again, err)
		}
		for name, s := range sections {
			sectionName(name)
			for option := range s {
				s.nested(option)
			}
		}
	})
}

func written(sections map[string]section) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		b.WriteString("[" + name + "]\n")
		for _, option := range slices.Sorted(maps.Keys(sections[name])) {
			b.WriteString(option + "=" + strings.ReplaceAll(sections[name][option], "\n", "\n\t") + "\n")
		}
	}
	return b.String()
}
