package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/filestore"
)

// TestBadFiles: each mistake is told apart, says what to do, and nothing of
// the file is repeated.
func TestBadFiles(t *testing.T) {
	tests := []struct{ name, content, error, hint string }{
		{"x.json", `{"a": hunter2}`, "AirflowFileParseException", "correct the file"},
		{"x.json", `["hunter2"]`, "should contain the object", "correct the file"},
		{"x.json", "\xffhunter2", "UTF-8", "UTF-8"},
		{"x.json", `{"a": "http://h:hunter2"}`, `"a"`, "correct it"},
		{"x.json", `{"a": {"nope": "hunter2"}}`, "fields are", "correct it"},
		{"x.json", `{"a": ["hunter2", "b"]}`, "multiple values for a", "one value"},
		{"x.env", "A=b\nhunter2", "line 2", "correct the file"},
		{".env", "A=hunter2", "extension", `"secrets.env"`},
		{"x.yaml", "a: 'hunter2", "not the YAML", "correct the file"},
		{"x.yaml", "a: &a [*a]", "within themselves", "correct the file"},
		{"x.yaml", "a: !hunter2 x", "tag", "correct the file"},
		{"x.yaml", strings.Repeat("[", 10_000), "", "correct the file"},
		{"x.yaml", "a: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), "nested too deeply", "correct the file"},
		{"x.yaml", bomb(), "too large", "correct the file"},
		{"x.json", strings.Repeat("x", 17<<20), "longer than 16 MiB", ""},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), tt.name)
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := filestore.New(filestore.Options{Connections: tt.name, Dir: filepath.Dir(path)})
		_, err := s.Get(t.Context(), "connection/other")
		text := ""
		if err != nil {
			text = err.Error() + " " + classOf(err)
		}
		if store.CodeOf(err) != store.Invalid || !strings.Contains(text, tt.error) || !strings.Contains(store.Hint(err), tt.hint) {
			t.Errorf("%s %.40q: %v (hint %q), want %q and the hint %q", tt.name, tt.content, err, store.Hint(err), tt.error, tt.hint)
		}
		if strings.Contains(text+store.Hint(err), "hunter2") || len(text) > 2000 {
			t.Errorf("%s %.40q: the error repeats the file: %.200s", tt.name, tt.content, text)
		}
		if store.Check(t.Context(), s) == nil {
			t.Errorf("%s %.40q: Check finds nothing wrong", tt.name, tt.content)
		}
	}
}

// bomb is a small file that is large once its aliases are written out.
func bomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := '1'; i <= '9'; i++ {
		last := "*a" + string(i-1)
		text += "a" + string(i) + ": &a" + string(i) + " [" + strings.Repeat(last+", ", 9) + last + "]\n"
	}
	return text
}

func TestMissingFile(t *testing.T) {
	s := filestore.New(filestore.Options{Variables: filepath.Join(t.TempDir(), "missing.json")})
	if _, err := s.Get(t.Context(), "variable/x"); store.CodeOf(err) != store.Invalid || !strings.Contains(store.Hint(err), "variables_file_path") {
		t.Errorf("Get = %v", err)
	}
	if _, err := s.Get(t.Context(), "connection/x"); store.CodeOf(err) != store.NotFound {
		t.Errorf("Get of a kind without a file = %v", err)
	}
	for _, name := range []string{"x", "Variable/x", "plain/x"} {
		if _, err := s.Get(t.Context(), name); store.CodeOf(err) != store.Invalid {
			t.Errorf("Get(%q) = %v", name, err)
		}
	}
}

// TestReadAnew: a file counts as it is now.
func TestReadAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.yaml")
	s := filestore.New(filestore.Options{Variables: path})
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(path, []byte("x: "+want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "variable/x"); err != nil || string(got.Payload) != want {
			t.Errorf("Get = %v, want %s", err, want)
		}
	}
	if got := store.Locate(s, "variable/x"); got != path+": x" {
		t.Errorf("Locate = %q", got)
	}
}

// classOf is the name of the exception that Airflow would raise.
func classOf(err error) string {
	var python *airflow.Error
	if errors.As(err, &python) {
		return python.Type
	}
	return ""
}
