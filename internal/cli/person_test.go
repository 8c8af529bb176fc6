package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// person is somebody who runs commands in a folder, with a home of their own.
type person struct {
	dir, home string
	environ   []string
}

// newPerson has an empty folder and an empty home.
func newPerson(t *testing.T) person {
	t.Helper()
	// A socket's path has to be short.
	dir, err := os.MkdirTemp("", "airlock-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := person{dir: filepath.Join(dir, "p"), home: filepath.Join(dir, "h")}
	if err := errors.Join(os.Mkdir(p.dir, 0o700), os.Mkdir(p.home, 0o700)); err != nil {
		t.Fatal(err)
	}
	return p
}

// withoutList has a home in which nothing can be written, not even by root.
func (p person) withoutList() person {
	p.home = os.DevNull
	return p
}

func (p person) with(environ ...string) person {
	p.environ = environ
	return p
}

func (p person) env(ctx context.Context, stdout, stderr *bytes.Buffer, args []string) Env {
	return Env{Context: ctx, Args: args, Dir: p.dir, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
		Environ: append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "AIRFLOW_HOME=" + filepath.Join(p.dir, "airflow")}, p.environ...)}
}

func (p person) run(t *testing.T, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(p.env(t.Context(), &stdout, &stderr, args))
	return ran{code, stdout.String(), stderr.String()}
}

// awaited is a stream that tells when a word has been written to it.
type awaited struct {
	mu   sync.Mutex
	text bytes.Buffer
	word string
	seen chan struct{}
}

func (s *awaited) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := strings.Contains(s.text.String(), s.word)
	s.text.Write(b)
	if !had && strings.Contains(s.text.String(), s.word) {
		close(s.seen)
	}
	return len(b), nil
}

// serve runs `airlock serve` until the test ends or stop is called.
func (p person) serve(t *testing.T, args ...string) served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	said, done := &awaited{word: "airlock: serving", seen: make(chan struct{})}, make(chan int, 1)
	env := p.env(ctx, new(bytes.Buffer), nil, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
	env.Stderr = said
	go func() { done <- Main(env) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("serve ends with %d: %s", code, said.text.String())
		}
	})
	t.Cleanup(stop)
	select {
	case <-said.seen:
	case code := <-done:
		done <- 0
		t.Fatalf("serve ends with %d: %s", code, said.text.String())
	case <-time.After(time.Minute):
		t.Fatal("serve does not start")
	}
	said.mu.Lock()
	defer said.mu.Unlock()
	_, url, _ := strings.Cut(said.text.String(), " on ")
	url, _, _ = strings.Cut(url, "\n")
	return served{url, stop}
}

// served is a daemon that runs.
type served struct {
	url  string
	stop func()
}
