package vectors

import "testing"

// TestVectorsFiles fails on a file that no test would pick up.
func TestVectorsFiles(t *testing.T) {
	files, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names := map[string]bool{}
		for _, c := range f.Cases {
			if names[c.Name] {
				t.Errorf("%s: two cases are called %q", f.Name, c.Name)
			}
			names[c.Name] = true
		}
		t.Logf("%s: %d cases of family %s", f.Name, len(f.Cases), f.Family())
	}
}
