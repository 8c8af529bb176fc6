package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// dagText is a DAG of 79 lines as people write them: constants, functions with
// hooks and variables, a loop over operators, templates. NAME is its own.
//
//go:embed dag.py.txt
var dagText string

// check measures `airlock check` on a project of many DAGs, and on one with a
// tenth of them: the memory of both ought to be the same.
func (b *bench) check(ctx context.Context) error {
	t := table{title: "airlock check on a project, whole process and its Pythons, median", head: []string{"DAG files", "time", "peak memory of the largest process", "runs"}}
	var all time.Duration
	for _, count := range []int{b.dags / 10, b.dags} {
		dir, err := b.project(count)
		if err != nil {
			return err
		}
		var samples []sample
		for range b.slow {
			s, err := command{path: b.airlock, dir: dir, args: []string{"check", "."}}.run(ctx)
			if err != nil {
				return err
			}
			samples = append(samples, s)
		}
		all = middle(samples, func(s sample) time.Duration { return s.took })
		t.add(fmt.Sprint(count), millis(all), mebibytes(middle(samples, func(s sample) int64 { return s.peak })), fmt.Sprint(len(samples)))
	}
	t.note("")
	t.note("%d DAG files: %s (target: under 3 s on two cores, memory flat)", b.dags, millis(all))
	return t.print()
}

// project writes a project of so many DAGs.
func (b *bench) project(count int) (string, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("project-%d", count))
	if err := os.MkdirAll(filepath.Join(dir, "dags"), 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM astrocrpublic.azurecr.io/runtime:3.1-3\n"), 0o600); err != nil {
		return "", err
	}
	for i := range count {
		name := fmt.Sprintf("source_%04d", i)
		text := strings.ReplaceAll(dagText, "NAME", name)
		if err := os.WriteFile(filepath.Join(dir, "dags", name+".py"), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}
