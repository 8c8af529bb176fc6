package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// sample is one run of a program.
type sample struct {
	took time.Duration
	peak int64 // bytes of memory
}

// command is a program to run, with nothing of this process's environment but
// PATH.
type command struct {
	path string
	args []string
	dir  string
	env  []string
	want string // the answer on standard output; "" accepts any
}

func (c command) exec(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Dir = c.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir}, c.env...)
	return cmd
}

// run runs the program once. A program that fails or answers something else is
// not worth timing.
func (c command) run(ctx context.Context) (sample, error) {
	cmd := c.exec(ctx)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", filepath.Base(c.path), err, stderr.String())
	}
	if c.want != "" && !strings.HasSuffix(strings.TrimSpace(stdout.String()), c.want) {
		return sample{}, fmt.Errorf("%s answers %q", filepath.Base(c.path), stdout.String())
	}
	return sample{took: took, peak: peak(cmd.ProcessState)}, nil
}

// peak is the largest resident memory a finished process had, in bytes.
func peak(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}

// server is a running process that answers HTTP.
type server struct {
	addr    string // "http://127.0.0.1:PORT"
	cmd     *exec.Cmd
	output  bytes.Buffer
	exited  chan struct{}
	started time.Duration // from the start of the process to its first good answer
}

// freeAddress returns a loopback address that nothing listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startServer starts a process and waits until path answers 200.
func startServer(ctx context.Context, c command, addr, path string) (*server, error) {
	s := &server{addr: "http://" + addr, cmd: c.exec(ctx), exited: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = s.cmd.Wait(); close(s.exited) }()
	for time.Since(begin) < 60*time.Second {
		if s.answers(ctx, path) {
			s.started = time.Since(begin)
			return s, nil
		}
		select {
		case <-s.exited:
			return nil, fmt.Errorf("%s ended:\n%s", filepath.Base(c.path), s.output.String())
		case <-time.After(time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s is not ready after a minute:\n%s", filepath.Base(c.path), s.output.String())
}

func (s *server) answers(ctx context.Context, path string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.addr+path, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return errors.Join(res.Body.Close()) == nil && res.StatusCode == http.StatusOK
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

// post sends JSON to a Vault API and returns the answer.
func (s *server) post(ctx context.Context, path, token string, body any) (map[string]any, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.addr+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Vault-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("POST %s: %s: %s", path, res.Status, b)
	}
	var answer map[string]any
	if len(b) > 0 {
		err = json.Unmarshal(b, &answer)
	}
	return answer, err
}
