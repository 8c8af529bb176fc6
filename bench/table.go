package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// table is printed as plain text, one row for each thing measured.
type table struct {
	title string
	head  []string
	rows  [][]string
	notes []string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *table) print() error {
	fmt.Printf("\n%s (%d CPUs, %s/%s)\n\n", t.title, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		if _, err := fmt.Fprintln(w, "  "+strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, note := range t.notes {
		fmt.Println("  " + note)
	}
	return nil
}

// middle is the median of what pick says of the samples.
func middle[S any, N int64 | float64 | time.Duration](samples []S, pick func(S) N) N {
	if len(samples) == 0 {
		return 0
	}
	values := make([]N, len(samples))
	for i, s := range samples {
		values[i] = pick(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
