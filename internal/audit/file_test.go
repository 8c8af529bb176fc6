package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// block puts a folder where the file of a log was.
func block(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.Rename(path, path+".moved"), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, l *audit.Log, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := l.Write(&audit.Entry{Action: "read", Name: name}); err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, path string) string {
	t.Helper()
	var all []string
	for _, p := range parse(t, path) {
		all = append(all, p.Name)
	}
	return strings.Join(all, " ")
}

func TestNoLineIsLostWithItsFile(t *testing.T) {
	for _, how := range []string{"moved", "removed"} {
		t.Run(how, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			synctest.Test(t, func(t *testing.T) {
				l := open(t, path, audit.Limits{})
				write(t, l, "a")
				time.Sleep(time.Second)
				write(t, l, "b")
				if how == "moved" {
					if err := os.Rename(path, path+".1"); err != nil {
						t.Fatal(err)
					}
				} else if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				write(t, l, "c") // within the second: nobody has looked
				time.Sleep(time.Second)
				write(t, l, "d")
				if how == "moved" {
					if got := names(t, path+".1") + ", " + names(t, path); got != "a b c, d" {
						t.Errorf("the files have %q", got)
					}
				} else if got := names(t, path); got != "b c d" { // of a, somebody who looks each second has seen it
					t.Errorf("the new file has %q, want every line since the old one was last seen", got)
				}
				info, err := os.Stat(path)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("the new file: %v, %v, want 0600", info, err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestReopenLooksAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, audit.Limits{})
	defer func() { _ = l.Close() }()
	write(t, l, "a")
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	write(t, l, "b")
	if err := errors.Join(os.Rename(path, path+".1"), l.Reopen()); err != nil {
		t.Fatal(err)
	}
	write(t, l, "c")
	if got := names(t, path+".1") + ", " + names(t, path); got != "a b, c" {
		t.Errorf("the files have %q", got)
	}
}

// What has the name of the log must be a file to be written to; until it is,
// nothing leaves.
func TestALogWithoutItsFileTakesNoLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	synctest.Test(t, func(t *testing.T) {
		l := open(t, path, audit.Limits{})
		write(t, l, "a")
		block(t, path)
		if err := l.Intend(&audit.Entry{Name: "b"}); store.CodeOf(err) != store.Unavailable { // looks at once
			t.Errorf("Intend: %v, want Unavailable", err)
		}
		time.Sleep(time.Second)
		if err := l.Write(&audit.Entry{Name: "c"}); store.CodeOf(err) != store.Unavailable || !strings.Contains(err.Error(), path) {
			t.Errorf("Write: %v, want Unavailable and the path", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		write(t, l, "d")
		if got := names(t, path); got != "d" {
			t.Errorf("the file has %q", got)
		}
		_ = l.Close()
	})
}

func rotated(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "-*.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want 0600", name, info, err)
		}
	}
	if !slices.IsSorted(found) {
		t.Errorf("%q do not sort by time", found)
	}
	return found
}

func TestRotationBySize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, audit.Limits{MaxSize: 1000})
	const n = 40
	for i := range n {
		write(t, l, fmt.Sprintf("name-%02d", i))
	}
	l.Count(bad("10.0.0.1:1", "unauthenticated"))
	for len(parse(t, path)) > 1 { // until the next one
		write(t, l, "more")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files := append(rotated(t, path), path)
	if len(files) < 4 {
		t.Fatalf("%d files", len(files))
	}
	var all []string
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Size() > 1300 { // the sum comes on top
			t.Errorf("%s has %d bytes", name, info.Size())
		}
		all = append(all, names(t, name))
	}
	joined := strings.Fields(strings.Join(all, " "))
	for i := range n {
		if joined[i] != fmt.Sprintf("name-%02d", i) {
			t.Fatalf("line %d is %s", i, joined[i])
		}
	}
	last := parse(t, files[len(files)-2])
	if sum := last[len(last)-1]; sum.Count != 1 {
		t.Errorf("the rotated file ends with %+v, want the sum that waited", sum)
	}
}

func TestRotationByAgeAndWhatIsKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	strange := filepath.Join(dir, "audit-notes.log")
	if err := os.WriteFile(strange, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		limits := audit.Limits{MaxAge: time.Hour, Keep: 2}
		l := open(t, path, limits)
		time.Sleep(5 * time.Hour) // an empty file is not old
		for i := range 4 {
			write(t, l, fmt.Sprintf("%da", i))
			time.Sleep(59 * time.Minute)
			write(t, l, fmt.Sprintf("%db", i))
			if i == 1 { // a restart does not make it young
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				l = open(t, path, limits)
			}
			time.Sleep(time.Minute)
		}
		_ = l.Close()
		files := rotated(t, path)
		if len(files) != 3 || files[2] != strange { // "n" is after any digit
			t.Fatalf("the folder has %q, want two rotated files and %s", files, strange)
		}
		if got := names(t, files[0]) + ", " + names(t, files[1]) + ", " + names(t, path); got != "1a 1b, 2a 2b, 3a 3b" {
			t.Errorf("the files have %q", got)
		}
	})
}

// A log whose name leaves no room for a time cannot be renamed.
func TestAFailedRotationLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("l", 240)+".log")
	var warned []string
	l := open(t, path, audit.Limits{MaxSize: 200, Warn: func(text string) { warned = append(warned, text) }})
	write(t, l, strings.Repeat("a", 100), strings.Repeat("b", 100), strings.Repeat("c", 100))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(parse(t, path)); n != 3 || len(warned) != 1 || !strings.Contains(warned[0], "rotating the audit log") {
		t.Errorf("%d lines and %q, want three and one warning", n, warned)
	}
}

// TestALogOfBeforeIsContinued has lines without a format number.
func TestALogOfBeforeIsContinued(t *testing.T) {
	old, err := os.ReadFile("testdata/before-v1.log")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, path, audit.Limits{MaxSize: 1 << 20})
	write(t, l, "new")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(b), string(old)) {
		t.Errorf("the old lines were changed: %v", err)
	}
	all := parse(t, path)
	if n := len(all); n != strings.Count(string(old), "\n")+1 || all[0].V != 0 || all[n-1].V != 1 || all[0].Outcome != "written" {
		t.Errorf("the log has %+v", all)
	}
	// It is as old as its first line says.
	l = open(t, path, audit.Limits{MaxAge: time.Hour})
	write(t, l, "newer")
	_ = l.Close()
	if got := rotated(t, path); len(got) != 1 || names(t, path) != "newer" {
		t.Errorf("rotated are %q, and the log has %q", got, names(t, path))
	}
}

// The line of a request that began long ago may be the one that comes after a
// rotation, and a clock may be set back: the oldest file stays the first one.
func TestRotatedFilesSortByTheirOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	limits := audit.Limits{MaxSize: 1, Keep: 2}
	l := open(t, path, limits)
	now := time.Now()
	for i, at := range []time.Duration{time.Hour, 0, -time.Hour, 0, -2 * time.Hour} {
		if i == 3 {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = open(t, path, limits)
		}
		if err := l.Write(&audit.Entry{Time: now.Add(at), Name: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files := rotated(t, path)
	if len(files) != 2 || names(t, files[0]) != "2" || names(t, files[1]) != "3" || names(t, path) != "4" {
		t.Errorf("the files are %q, want those of 2 and 3, then 4", files)
	}
}

func TestAClockThatWasSetBackDelaysNoRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, audit.Limits{MaxAge: time.Hour})
	now := time.Now()
	for i, at := range []time.Duration{1000 * time.Hour, 0, 61 * time.Minute} {
		if err := l.Write(&audit.Entry{Time: now.Add(at), Name: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	_ = l.Close()
	if files := rotated(t, path); len(files) != 1 || names(t, files[0]) != "0 1" || names(t, path) != "2" {
		t.Errorf("the rotated files are %q, want one with 0 and 1", files)
	}
}

func TestARotationKeepsTheAccessOfTheGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, audit.Limits{MaxSize: 1})
	defer l.Close()
	write(t, l, "a")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	write(t, l, "b", "c")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 || names(t, path) != "c" {
		t.Errorf("the new file: %v, %v, want 0640", info.Mode(), err)
	}
}

// TestAFolderThatWasMoved: the log follows its name within its folder only. No
// folder is made, and another one in its place gets no line.
func TestAFolderThatWasMoved(t *testing.T) {
	at := t.TempDir()
	dir, aside := filepath.Join(at, "data"), filepath.Join(at, "aside")
	l, err := audit.Open(filepath.Join(dir, audit.FileName), audit.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	change := func() error { return l.Change(&audit.Entry{Action: "write"}, func() error { return nil }) }
	if err := errors.Join(change(), os.Rename(dir, aside)); err != nil {
		t.Fatal(err)
	}
	for _, is := range []string{"gone", "replaced"} {
		if err := change(); store.CodeOf(err) != store.Unavailable || !strings.Contains(err.Error(), "moved or replaced") {
			t.Errorf("%s: a change = %v", is, err)
		}
		if err := l.Reopen(); store.CodeOf(err) != store.Unavailable {
			t.Errorf("%s: Reopen = %v", is, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %s holds %v", is, dir, left)
		}
		_ = os.Mkdir(dir, 0o700)
	}
	if err := errors.Join(os.Remove(dir), os.Rename(aside, dir), change()); err != nil {
		t.Errorf("the folder is back: %v", err)
	}
}
