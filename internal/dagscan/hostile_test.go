package dagscan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/dagscan"
)

const plainDAG = "from airflow.sdk import Variable\nVariable.get('plain')\n"

// Files that Python or the script cannot deal with are smells of their own,
// and the file after them is read.
func TestHostileFiles(t *testing.T) {
	tests := []struct{ name, text, what string }{
		{"syntax", "x = 1\ndef f(:\n", dagscan.SyntaxError},
		{"Python 2", "print 'CANARY-in-the-error'\n", dagscan.SyntaxError},
		{"an open string", "x = 'CANARY-open\n", dagscan.SyntaxError},
		{"a character", "x = “CANARY-quoted”\n", dagscan.SyntaxError},
		{"null bytes", "x = 1\x00\n", dagscan.SyntaxError},
		{"an unknown encoding", "# -*- coding: klingon -*-\nx = 1\n", dagscan.SyntaxError},
		{"not UTF-8", "x = '\xff\xfe'\n", dagscan.SyntaxError},
		{"UTF-16", "\xff\xfex\x00=\x001\x00", dagscan.SyntaxError},
		{"deep brackets", strings.Repeat("(", 50_000) + strings.Repeat(")", 50_000), ""},
		{"deep operators", "x = " + strings.Repeat("-", 50_000) + "1\n", ""},
		{"a long sum", "x = 'a'" + strings.Repeat(" + 'b'", 20_000) + "\n", ""},
		{"deep attributes", "x = a" + strings.Repeat(".b", 20_000) + "\n", ""},
		{"a large number", "x = " + strings.Repeat("9", 100_000) + "\n", ""},
		{"too large", strings.Repeat("# a comment\n", 100_000), dagscan.Unreadable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := scanFiles(t, map[string]string{"a.py": test.text, "b.py": plainDAG}, "a.py", "b.py")
			if ids := r.IDs(airflow.KindVariable); len(ids) != 1 || ids[0] != "plain" {
				t.Errorf("the file after it asks for %q", ids)
			}
			for _, s := range r.Smells {
				if strings.Contains(s.Text, "CANARY") {
					t.Error("a smell repeats a piece of the file")
					continue
				}
				if s.Place.File != "a.py" || s.Place.Line < 1 || s.Place.Column < 1 || test.what != "" && s.What != test.what {
					t.Errorf("%s: %s at %v", s.What, s.Text, s.Place)
				}
			}
			if test.what != "" && len(r.Smells) != 1 {
				t.Errorf("%d smells", len(r.Smells))
			}
		})
	}
}

// Encodings that Python reads are read, with places in characters.
func TestEncodings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"UTF-8", "from airflow.sdk import Variable\nx = 'äöü', Variable.get('é')\n", "2:12 variable é Variable.get import\n"},
		{"a byte order mark", "\ufefffrom airflow.sdk import Variable; Variable.get('a')\n", "1:35 variable a Variable.get import\n"},
		{"latin-1", "# coding: latin-1\nfrom airflow.sdk import Variable\nVariable.get('\xe9')\n", "3:1 variable é Variable.get import\n"},
		{"CRLF", "from airflow.sdk import Variable\r\nVariable.get('a')\r\n", "2:1 variable a Variable.get import\n"},
		{"a surrogate", "from airflow.sdk import Variable\nVariable.get('\\ud800')\n", "2:1 variable � Variable.get import\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := told(scanFiles(t, map[string]string{"dag.py": test.text}, "dag.py")); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// The bytes of schedule_interval are those of the file.
func TestScheduleIntervalBytes(t *testing.T) {
	for _, text := range []string{
		"from airflow import DAG\nDAG('ä', schedule_interval=None)\n",
		"\ufefffrom airflow import DAG; DAG('a', schedule_interval='@daily')\n",
		"from airflow import DAG\r\nDAG('a',\r\n  schedule_interval = (\r\n None))\r\n",
	} {
		r := scanFiles(t, map[string]string{"dag.py": text}, "dag.py")
		if len(r.Smells) != 1 {
			t.Fatalf("%d smells in %q", len(r.Smells), text)
		}
		if s := r.Smells[0]; text[s.Start:s.End] != "schedule_interval" {
			t.Errorf("bytes %d to %d of %q", s.Start, s.End, text)
		}
	}
	r := scanFiles(t, map[string]string{"dag.py": "from airflow import DAG\nDAG('a', schedule_interval=1, schedule=2)\n"}, "dag.py")
	if s := r.Smells[0]; s.End != 0 {
		t.Error("schedule_interval can be replaced where schedule is there too")
	}
}

// Only regular files of the folder are read.
func TestNotFiles(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside.py")
	for _, err := range []error{
		os.WriteFile(outside, []byte(plainDAG), 0o600),
		os.Symlink(outside, filepath.Join(dir, "link.py")),
		syscall.Mkfifo(filepath.Join(dir, "pipe.py"), 0o600),
		os.Mkdir(filepath.Join(dir, "folder.py"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"link.py", "pipe.py", "folder.py", "none.py", "../x.py", "/etc/hostname"}
	r, err := dagscan.Scan(context.Background(), dagscan.Options{Dir: dir, Files: files, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Uses) != 0 || len(r.Smells) != len(files) {
		t.Errorf("%d uses, %d smells of %d files", len(r.Uses), len(r.Smells), len(files))
	}
	for _, s := range r.Smells {
		if s.What != dagscan.Unreadable {
			t.Errorf("%s: %s: %s", s.Place.File, s.What, s.Text)
		}
	}
}

func TestWithoutPython(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("dag.py", plainDAG, 0o600)
	scan := func(path string) *dagscan.Result {
		r, err := dagscan.Scan(context.Background(), dagscan.Options{Dir: dir, Files: []string{"dag.py"}, Environ: []string{"PATH=" + path}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := scan(dir); r.Skipped != "there is no python3 in PATH" || len(r.Uses) != 0 {
		t.Errorf("%+v", r)
	}
	bin, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if r := scan(bin); !strings.Contains(r.Skipped, "does not run") {
		t.Errorf("Skipped is %q", r.Skipped)
	}
	if r := scan(bin + ":" + os.Getenv("PATH")); r.Skipped != "" || len(r.Uses) != 1 {
		t.Errorf("the next python3 of PATH is not tried: %+v", r)
	}
	write("python3", "#!/bin/sh\ntouch "+ran+"\n", 0o700)
	link := filepath.Join(t.TempDir(), "bin")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if r := scan(dir + ":" + link + ":" + os.Getenv("PATH")); r.Skipped != "" || len(r.Uses) != 1 {
		t.Errorf("a python3 of the folder is not passed over: %+v", r)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the folder's own python3 ran")
	}
	t.Chdir(dir)
	if r := scan("."); r.Skipped != "there is no python3 in PATH" {
		t.Errorf("python3 of the current folder: %+v", r)
	}
}

// A Python that ends over a file costs that file only.
func TestPythonEnds(t *testing.T) {
	real, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	limited := "#!/bin/sh\nulimit -t 1\nexec " + real + ` "$@"` + "\n"
	slow := strings.Repeat("a\n", 500_000) // two seconds and more, of the one that it gets
	for name, text := range map[string]string{"python3": limited, "a.py": plainDAG, "slow.py": slow, "b.py": plainDAG} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r, err := dagscan.Scan(context.Background(), dagscan.Options{Dir: dir, Files: []string{"a.py", "slow.py", "b.py"},
		Python: filepath.Join(dir, "python3"), Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Uses) != 2 || len(r.Smells) != 1 || r.Smells[0].What != dagscan.Unreadable || r.Smells[0].Place.File != "slow.py" {
		t.Errorf("%+v", r)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := dagscan.Scan(ctx, dagscan.Options{Dir: t.TempDir(), Files: []string{"a.py"}, Environ: os.Environ()}); err == nil {
		t.Error("no error")
	}
}

// Damaged files, and files of random words, are answered one by one: none ends
// the process, and no answer is that the script failed.
func TestRandomFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("Variable get ( ) [ ] { } , : = . + % f\"{ }\" 'x' \"a\" def class with as for in if else lambda await async " +
		"yield return import from airflow.sdk Connection print *args ** @ task dag {{ var.value.x }} '{{conn.x}}' := None del match case try except")
	files := map[string]string{}
	var names []string
	for i := range 300 {
		var b strings.Builder
		if i%3 == 0 {
			text := []byte(strings.Repeat(plainDAG, 4))
			for range 3 {
				text[random.IntN(len(text))] = byte(random.IntN(256))
			}
			b.Write(text)
		} else {
			for range 1 + random.IntN(12) {
				b.WriteString(words[random.IntN(len(words))] + []string{" ", "\n", ""}[random.IntN(3)])
			}
		}
		name := fmt.Sprintf("%03d.py", i)
		files[name], names = b.String(), append(names, name)
	}
	for _, s := range scanFiles(t, files, names...).Smells {
		if s.What == dagscan.Unreadable {
			t.Errorf("%s: %s in %q", s.Place.File, s.Text, files[s.Place.File])
		}
	}
}
