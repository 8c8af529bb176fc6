package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

func TestLineHoldsEveryMember(t *testing.T) {
	var out bytes.Buffer
	l := audit.New(&out)
	e := &audit.Entry{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC), Request: "r-1", Principal: "airflow",
		Protocol: "vault", Remote: "127.0.0.1:9", Action: "read", Kind: "variable", Team: "blue",
		Name: "k", Version: 3, Outcome: "found", Layer: "secrets backend", Source: "a.B", Duration: 1500 * time.Microsecond,
	}
	if err := l.Write(e); err != nil {
		t.Fatal(err)
	}
	want := `{"v":1,"time":"2026-01-02T03:04:05.678901Z","request":"r-1","principal":"airflow","protocol":"vault",` +
		`"remote":"127.0.0.1:9","action":"read","kind":"variable","team":"blue","name":"k","version":3,` +
		`"outcome":"found","layer":"secrets backend","source":"a.B","duration_us":1500}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("Write: got\n%swant\n%s", got, want)
	}
}

func TestNamesFromOutsideStayOneLineOfJSON(t *testing.T) {
	for _, name := range []string{
		"a\nb", "quote\"back\\slash", "\x00\x1f\x7f", "bad\xffutf8", "é\u2028💥", strings.Repeat("é", 5000), "",
	} {
		var out bytes.Buffer
		if err := audit.New(&out).Write(&audit.Entry{Name: name}); err != nil {
			t.Fatal(err)
		}
		line := out.Bytes()
		if n := bytes.Count(line, []byte("\n")); n != 1 || line[len(line)-1] != '\n' {
			t.Errorf("%.20q: %d line breaks in %q", name, n, line)
		}
		var got struct{ Name string }
		if err := json.Unmarshal(line, &got); err != nil {
			t.Errorf("%.20q: %v", name, err)
			continue
		}
		if len(name) <= 1024 && got.Name != strings.ToValidUTF8(name, "\uFFFD") {
			t.Errorf("name = %q, want %q", got.Name, name)
		}
		if len(line) > 1500 {
			t.Errorf("%.20q: the line has %d bytes", name, len(line))
		}
		if len(name) > 1024 && !strings.Contains(got.Name, "(10000 bytes)") {
			t.Errorf("a name that was cut does not say so: %.40q", got.Name)
		}
	}
}

func TestOpenAppendsPrivately(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log", "audit.jsonl")
	for range 2 {
		l, err := audit.Open(path, audit.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Write(&audit.Entry{Action: "read"}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		// As an earlier release or a careless hand might have left it.
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if l, err := audit.Open(path, audit.Limits{}); err != nil {
		t.Fatal(err)
	} else {
		_ = l.Close()
	}
	if got := lines(t, path); len(got) != 2 {
		t.Errorf("%d lines, want 2", len(got))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

func TestHalfALineOfAnEarlierRunIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(`{"time":"20`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := audit.Open(path, audit.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := l.Write(&audit.Entry{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	if len(got) != 2 || !json.Valid([]byte(got[1])) {
		t.Errorf("lines = %q, want the torn one and a whole one", got)
	}
}

// A disk that fills up takes the first part of a line.
type fullDisk struct {
	bytes.Buffer
	room int
}

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > d.room {
		n, _ := d.Buffer.Write(b[:d.room])
		d.room = 0
		return n, errors.New("no space left on device")
	}
	d.room -= len(b)
	return d.Buffer.Write(b)
}

func TestAFailedWriteIsAnErrorAndTheNextLineIsWhole(t *testing.T) {
	d := &fullDisk{room: 10}
	l := audit.New(d)
	if err := l.Write(&audit.Entry{Name: "lost"}); err == nil {
		t.Fatal("Write on a full disk succeeded")
	}
	if err := l.Write(&audit.Entry{Name: "lost too"}); err == nil {
		t.Fatal("Write on a full disk succeeded")
	}
	d.room = 1000
	if err := l.Write(&audit.Entry{Name: "kept"}); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(d.String(), "\n"), "\n")
	if len(got) != 2 || !json.Valid([]byte(got[1])) || !strings.Contains(got[1], "kept") {
		t.Errorf("lines = %q", got)
	}
}

func TestOnlyAFileIsOpened(t *testing.T) {
	for name, arrange := range map[string]func(path string) error{
		"a link":             func(path string) error { return os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), path) },
		"a pipe":             func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to a device": func(path string) error { return os.Symlink("/dev/full", path) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := arrange(path); err != nil {
				t.Fatal(err)
			}
			l, err := audit.Open(path, audit.Limits{})
			if store.CodeOf(err) != store.Invalid || store.Hint(err) == "" || !strings.Contains(err.Error(), path) {
				_ = l.Close()
				t.Errorf("Open: %v, want Invalid, the path and a hint", err)
			}
		})
	}
}

// TestHalfALineIsTakenBack fills a file system in the middle of a line: the
// size of a file is bounded for this process, as a quota would.
func TestHalfALineIsTakenBack(t *testing.T) {
	const most = 1000
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := audit.Open(path, audit.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	written := 0
	for ; written < most; written++ {
		if err = l.Write(&audit.Entry{Name: strings.Repeat("n", 100)}); err != nil {
			break
		}
	}
	again := l.Write(&audit.Entry{Name: strings.Repeat("n", 100)})
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err == nil || again == nil {
		t.Fatalf("Write beyond the limit: %v, then %v, want errors", err, again)
	}
	if err := l.Write(&audit.Entry{Name: "after"}); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	if len(got) != written+1 || !strings.Contains(got[written], "after") {
		t.Errorf("%d lines, want %d and one", len(got), written)
	}
	for _, line := range got {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %q", line)
		}
	}
}

func TestConcurrentWritersNeverMixLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := audit.Open(path, audit.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if err := l.Write(&audit.Entry{Name: strings.Repeat("n", 300)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := lines(t, path)
	if len(got) != 800 {
		t.Errorf("%d lines, want 800", len(got))
	}
	for _, line := range got {
		if !json.Valid([]byte(line)) {
			t.Fatalf("not JSON: %q", line)
		}
	}
}

func TestANilLogWritesNothing(t *testing.T) {
	var l *audit.Log
	if err := l.Write(&audit.Entry{}); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	l, err := audit.Open(filepath.Join(b.TempDir(), "audit.jsonl"), audit.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	e := &audit.Entry{Request: "5f559621-92fc-2b6e-81ff-8eaa3552ad3c", Principal: "airflow", Protocol: "vault",
		Remote: "127.0.0.1:40000", Action: "read", Kind: "variable", Name: "my_key", Outcome: "found", Layer: "secrets backend"}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Write(e); err != nil {
			b.Fatal(err)
		}
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}
