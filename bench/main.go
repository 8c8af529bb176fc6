// Command bench measures airlock beside what people use today and prints
// tables of ratios. Everything in a table is measured in the same run, in
// turns, on the same machine and against the same OpenBao, because only the
// ratios mean something elsewhere. It asserts nothing: `make bench`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// bench is one run: what it measures and the folder it works in.
type bench struct {
	dir     string // removed at the end
	tools   string // where make tools installs
	airlock string // the built binary
	bao     *server

	rounds  int           // of the quick commands
	slow    int           // of Airflow's, which takes seconds
	secrets int           // in the store that serve starts on
	load    time.Duration // of each measurement of reads per second
	conns   int
	dags    int // in the project that check reads
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{}
	bare := flag.Int("bare", 0, "serve a bare net/http handler with a body of this `size` (used by the benchmark itself)")
	flag.StringVar(&b.tools, "tools", os.Getenv("AIRLOCK_DEV_CACHE"), "`folder` of make tools")
	flag.IntVar(&b.rounds, "rounds", 25, "`runs` of each quick command")
	flag.IntVar(&b.slow, "slow", 5, "`runs` of each Airflow command")
	flag.IntVar(&b.secrets, "secrets", 10_000, "`number` of secrets in the store that serve starts on")
	flag.DurationVar(&b.load, "load", 3*time.Second, "`time` of each measurement of reads per second")
	flag.IntVar(&b.conns, "conns", 64, "`connections` of the load generator")
	flag.IntVar(&b.dags, "dags", 2000, "`number` of DAG files in the project that check reads")
	flag.Parse()
	err := func() error {
		if *bare > 0 {
			return serveBare(ctx, *bare)
		}
		return b.run(ctx)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.tools == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("finding the cache folder: %w", err)
		}
		b.tools = filepath.Join(cache, "airlock-dev")
	}
	if b.dir, err = os.MkdirTemp("", "airlock-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.airlock = filepath.Join(b.dir, "airlock")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.airlock, "./cmd/airlock")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building airlock: %w\n%s", err, out)
	}
	if b.bao, err = b.startBao(ctx); err != nil {
		return err
	}
	defer b.bao.stop()
	// The commands come first: on Linux a program's peak memory is at least
	// that of the process which starts it, and this one is still small.
	for _, table := range []func(context.Context) error{b.commands, b.check, b.start, b.reads} {
		if err := table(ctx); err != nil {
			return err
		}
	}
	return nil
}
