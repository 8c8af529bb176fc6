package dagscan

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/internal/program"
)

const (
	longestAnswer = 4 << 20          // bytes of one file's answer
	slowestFile   = 20 * time.Second // then the process is ended
	slowestStart  = 20 * time.Second
)

// process is a running Python that has read the script and waits for files.
type process struct {
	program *program.Process
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
	c := program.Command{Word: program.Fixed, What: "python3", Args: []string{python, "-I", "-S", "-B", "-c", source}, Dir: "/",
		Environ: program.PathOnly(environ)}
	started, err := c.Start(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	p := &process{program: started, out: bufio.NewReaderSize(started.Out, 64<<10), end: cancel}
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

// ask sends a file and reads what stands in it, before the time ends. After an error the process is
// of no more use.
func (p *process) ask(data []byte, ends time.Time) (answer, error) {
	var a answer
	err := p.within(min(slowestFile, time.Until(ends)), func() error {
		if _, err := fmt.Fprintf(p.program.In, "%d\n", len(data)); err != nil {
			return err
		}
		if _, err := p.program.In.Write(data); err != nil {
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
	err := p.program.In.Close()
	timer := time.AfterFunc(time.Second, p.end)
	_ = p.program.Wait()
	timer.Stop()
	p.end()
	return err
}
