package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// airlockServer starts `airlock serve --dev` on a folder of its own and returns
// it with its client token.
func (b *bench) airlockServer(ctx context.Context, name string, env []string, flags ...string) (*server, string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	c := command{path: b.airlock, dir: dir, env: env, args: append([]string{"serve", "--dev", "--listen", addr}, flags...)}
	s, err := startServer(ctx, c, addr, "/-/ready")
	if err != nil {
		return nil, "", err
	}
	token, err := os.ReadFile(filepath.Join(dir, ".airlock", "dev-token"))
	if err != nil {
		s.stop()
		return nil, "", err
	}
	return s, strings.TrimSpace(string(token)), nil
}

// start measures how long `airlock serve` takes to be ready on a store that
// holds many secrets, and on an empty one beside it.
func (b *bench) start(ctx context.Context) error {
	if err := b.fill(ctx, "full"); err != nil {
		return err
	}
	t := table{title: "airlock serve, from the start of the process until it answers /-/ready, median", head: []string{"store", "time", "peak memory", "runs"}}
	var full time.Duration
	samples := map[string][]sample{}
	for range b.rounds {
		for _, name := range []string{"empty", "full"} {
			s, _, err := b.airlockServer(ctx, name, nil)
			if err != nil {
				return err
			}
			s.stop()
			samples[name] = append(samples[name], sample{took: s.started, peak: peak(s.cmd.ProcessState)})
		}
	}
	for _, name := range []string{"empty", "full"} {
		full = middle(samples[name], func(s sample) time.Duration { return s.took })
		title := map[string]string{"empty": "empty", "full": fmt.Sprintf("%d secrets", b.secrets)}[name]
		t.add(title, millis(full), mebibytes(middle(samples[name], func(s sample) int64 { return s.peak })), fmt.Sprint(len(samples[name])))
	}
	t.note("")
	t.note("ready on %d secrets: %s (target: under 100 ms)", b.secrets, millis(full))
	return t.print()
}

// fill writes the secrets through the Vault API, as a client would.
func (b *bench) fill(ctx context.Context, name string) error {
	s, token, err := b.airlockServer(ctx, name, nil)
	if err != nil {
		return err
	}
	defer s.stop()
	begin := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(b.conns)
	for i := range b.secrets {
		group.Go(func() error {
			path := fmt.Sprintf("/v1/secret/data/variables/key-%05d", i)
			_, err := s.post(ctx, path, token, map[string]any{"data": map[string]any{"value": value}})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	rate := float64(b.secrets) / time.Since(begin).Seconds()
	fmt.Printf("\nwrote %d secrets through the Vault API, each of them synced to the disk: %.0f per second\n", b.secrets, rate)
	return nil
}
