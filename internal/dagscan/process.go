package dagscan

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

const (
	longestAnswer = 4 << 20          // bytes of one file's answer
	slowestFile   = 20 * time.Second // then the process is ended
	slowestStart  = 20 * time.Second
)

// process is a running Python that has read the script and waits for files.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	version string
	end     context.CancelFunc
}

// hello is the first line of the script. Old is its version where that is too
// old.
type hello struct {
	Python, Old string
}

// start runs the script: isolated from the user's and the project's Python
// files, without site-packages, without writing .pyc files, in an environment
// of PATH alone.
func start(ctx context.Context, python, source string, environ []string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{cmd: exec.CommandContext(ctx, python, "-I", "-S", "-B", "-c", source), end: cancel}
	p.cmd.Dir = "/"
	p.cmd.Env = []string{"PATH=" + pathOf(environ)}
	p.cmd.WaitDelay = time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		cancel()
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 64<<10)
	var first hello
	if err := p.within(slowestStart, func() error { return p.read(&first) }); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if first.Old != "" {
		return nil, errors.Join(fmt.Errorf("it is Python %s, and 3.8 is the oldest that will do", first.Old), p.stop())
	}
	p.version = first.Python
	return p, nil
}

// within ends the process when f takes longer.
func (p *process) within(limit time.Duration, f func() error) error {
	timer := time.AfterFunc(limit, p.end)
	defer timer.Stop()
	return f()
}

// ask sends a file and reads what stands in it. After an error the process is
// of no more use.
func (p *process) ask(data []byte) (answer, error) {
	var a answer
	err := p.within(slowestFile, func() error {
		if _, err := fmt.Fprintf(p.in, "%d\n", len(data)); err != nil {
			return err
		}
		if _, err := p.in.Write(data); err != nil {
			return err
		}
		return p.read(&a)
	})
	return a, err
}

// read reads one line of JSON.
func (p *process) read(into any) error {
	var line []byte
	for {
		piece, err := p.out.ReadSlice('\n')
		line = append(line, piece...)
		if err == nil {
			return json.Unmarshal(line, into)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if len(line) > longestAnswer {
			return errors.New("the answer is too long")
		}
	}
}

// stop ends the process and waits for it. How it ends does not matter: all
// answers are read by then.
func (p *process) stop() error {
	err := p.in.Close()
	timer := time.AfterFunc(time.Second, p.end)
	_ = p.cmd.Wait()
	timer.Stop()
	p.end()
	return err
}
