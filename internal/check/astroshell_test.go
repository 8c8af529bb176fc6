package check

import (
	"os/exec"
	"strings"
	"testing"
)

// TestBreaksOut holds what is said of a text against bash, given the command
// that the astro CLI makes.
func TestBreaksOut(t *testing.T) {
	for _, tt := range []struct {
		text      string
		bare      bool
		bad, runs bool
	}{
		{"plain", false, false, false},
		{`"double"; echo ran | $(echo ran)`, false, false, false},
		{"it's", false, true, false},
		{"'; echo ran; echo '", false, true, true},
		{"a'$(echo ran >&2)'b", false, true, true},
		{"a'`echo ran >&2`'b", false, true, true},
		{"a'\necho ran\necho 'b", false, true, true},
		{"a'|echo ran;:'b", false, true, true},
		{"a'\"$(echo ran >&2)\"'b", false, true, true},
		{"a'b c'd", false, true, false},
		{"name", true, false, false},
		{"name;echo ran;:", true, true, true},
		{"$(echo ran >&2)", true, true, true},
		{"<(echo ran >&2; sleep 0.1)", true, true, true},
	} {
		bad, runs := breaksOut(tt.text, tt.bare)
		if bad != tt.bad || runs != tt.runs {
			t.Errorf("%q: breaks out %t, runs %t; want %t, %t", tt.text, bad, runs, tt.bad, tt.runs)
		}
		command := "true NAME '" + tt.text + "'"
		if tt.bare {
			command = "true " + tt.text + " 'value'; sleep 0.1"
		}
		said, err := exec.Command("bash", "-c", command).CombinedOutput()
		if got := strings.HasPrefix(string(said), "ran\n"); got != tt.runs || err != nil && !tt.bad {
			t.Errorf("%q: bash runs it %t, want %t; %v", tt.text, got, tt.runs, err)
		}
	}
}
