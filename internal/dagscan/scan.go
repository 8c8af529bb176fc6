package dagscan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/program"
)

const (
	largestFile  = 1 << 20
	perProcess   = 100 // files for which another process pays
	mostRestarts = 10
)

// budget is what is left of a [Budget].
type budget struct {
	bytes int64 // for whoever reads the files
	steps atomic.Int64
	ends  time.Time
}

func (b Budget) start() *budget {
	left := &budget{bytes: cmp.Or(b.Bytes, 128<<20), ends: time.Now().Add(cmp.Or(b.Time, 2*time.Minute))}
	left.steps.Store(cmp.Or(b.Steps, 100_000_000))
	return left
}

// spent says what is used up, "" where nothing is.
func (b *budget) spent() string {
	switch {
	case b.steps.Load() <= 0:
		return "the files before it took all the work that one check may do"
	case !time.Now().Before(b.ends):
		return "the files before it took all the time that one check has for DAGs"
	}
	return ""
}

// job is a file on its way to a Python process.
type job struct {
	index int
	name  string
	data  []byte
	err   error
	// unread is why the file was not even opened: the budget was used up.
	unread string
	left   *budget
}

// outcome is what was found in a file.
type outcome struct {
	answer  answer
	ignores []Ignore
	problem string // why it was not read
	// unfinished is why it was not read where that is for the budget.
	unfinished string
}

func scan(ctx context.Context, o Options) (*Result, error) {
	if len(o.Files) == 0 {
		return &Result{}, nil
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	source, err := script()
	if err != nil {
		return nil, err
	}
	first, run, err := startFirst(ctx, o, source)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return &Result{Skipped: err.Error()}, nil
	}
	outcomes := scanAll(ctx, root, o, first, run)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return collect(o.Files, outcomes, first.version), nil
}

// startFirst finds a Python that runs the script, and returns how to start
// more of it.
func startFirst(ctx context.Context, o Options, source string) (*process, func() (*process, error), error) {
	candidates := []string{o.Python}
	if o.Python == "" {
		candidates = program.All("python3", o.Environ, o.Dir, cmp.Or(o.Project, o.Dir))
	}
	err := errors.New("there is no python3 in PATH")
	for _, python := range candidates {
		run := func() (*process, error) { return start(ctx, python, source, o.Environ) }
		p, failed := run()
		if failed == nil {
			return p, run, nil
		}
		err = fmt.Errorf("%s does not run: %w", python, failed)
	}
	return nil, nil, err
}

// scanAll hands the files to as many processes as pay, one file at a time, so
// that no more than a few are in memory.
func scanAll(ctx context.Context, root *os.Root, o Options, first *process, run func() (*process, error)) []outcome {
	files, left := o.Files, o.Budget.start()
	outcomes := make([]outcome, len(files))
	jobs := make(chan job, 4)
	go func() {
		defer close(jobs)
		for i, name := range files {
			j := job{index: i, name: name, left: left}
			if left.bytes <= 0 {
				j.unread = "the files before it have all the bytes that one check reads"
			} else if j.data, j.err = readFile(root, name); j.err == nil {
				left.bytes -= int64(len(j.data))
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
	}()
	var group sync.WaitGroup
	for n := range min(runtime.NumCPU(), 4, len(files)/perProcess+1) {
		w := &worker{run: run}
		if n == 0 {
			w.process = first
		}
		group.Go(func() {
			for j := range jobs {
				outcomes[j.index] = w.scan(j)
			}
			w.stop()
		})
	}
	group.Wait()
	return outcomes
}

// worker has a process, and starts another where that one ends over a file.
type worker struct {
	process *process
	run     func() (*process, error)
	starts  int
}

func (w *worker) scan(j job) outcome {
	if j.err != nil {
		return outcome{problem: j.err.Error()}
	}
	if why := cmp.Or(j.unread, j.left.spent()); why != "" {
		return outcome{unfinished: why}
	}
	out := outcome{ignores: ignores(j.name, j.data)}
	if w.process == nil && w.starts <= mostRestarts {
		w.starts++
		w.process, _ = w.run()
	}
	if w.process == nil {
		out.problem = "python3 does not run any more"
		return out
	}
	var err error
	if out.answer, err = w.process.ask(j.data, j.left.ends); err != nil {
		out.answer, out.problem = answer{}, "python3 does not get through it"
		w.process.end()
		w.stop()
	}
	j.left.steps.Add(-out.answer.Steps)
	return out
}

func (w *worker) stop() {
	if w.process != nil {
		_ = w.process.stop()
		w.process = nil
	}
}

// Text reads a file of the folder as [Scan] does: no more than 1 MiB, and no
// link that leads out of the folder.
func Text(dir, name string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	data, err := readFile(root, name)
	return string(data), err
}

// readFile reads a regular file of the folder: a link that leads out of it, a
// pipe or a device is none.
func readFile(root *os.Root, name string) ([]byte, error) {
	path := filepath.FromSlash(name)
	data, err := diskfile.ReadIn(root, path, largestFile)
	switch {
	case errors.Is(err, diskfile.ErrNotRegular), errors.Is(err, syscall.EISDIR):
		return nil, errors.New("it is no regular file")
	case errors.As(err, new(*diskfile.TooLargeError)):
		return nil, errors.New("it is larger than 1 MiB")
	case err != nil:
		return nil, reason(err)
	}
	return data, nil
}

// reason is the error without the path, which stands beside it.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// collect puts the outcomes into one result, in the order of the files.
func collect(files []string, outcomes []outcome, version string) *Result {
	r := &Result{Python: version}
	table := newMoved()
	for i, out := range outcomes {
		name := files[i]
		r.Ignores = append(r.Ignores, out.ignores...)
		if out.problem != "" {
			r.Smells = append(r.Smells, Smell{What: Unreadable, Text: out.problem, Place: Place{File: name, Line: 1, Column: 1}})
		}
		if out.unfinished != "" {
			r.Smells = append(r.Smells, Smell{What: Unfinished, Text: out.unfinished, Place: Place{File: name, Line: 1, Column: 1}})
		}
		slices.SortStableFunc(out.answer.Uses, func(a, b use) int { return byPlace(a.Place, b.Place) })
		slices.SortStableFunc(out.answer.Smells, func(a, b smell) int { return byPlace(a.Place, b.Place) })
		for _, u := range out.answer.Uses {
			u.Place.File = name
			r.Uses = append(r.Uses, u.Use)
		}
		for _, s := range out.answer.Smells {
			s.Place.File = name
			r.Smells = append(r.Smells, s.Smell)
		}
		for _, i := range out.answer.Imports {
			if s := table.smell(i); s != nil {
				s.Place.File = name
				r.Smells = append(r.Smells, *s)
			}
		}
	}
	return r
}

func byPlace(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
