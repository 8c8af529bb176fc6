package audit_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// slowDisk has, after a sync, what was written before the sync began. Each sync
// waits to be let go.
type slowDisk struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	kept   string
	syncs  int
	fail   error
	wrote  chan struct{} // gets one for each line
	letGo  chan struct{}
	begins chan struct{}
}

func newSlowDisk(fail error) *slowDisk {
	return &slowDisk{fail: fail, wrote: make(chan struct{}, 1000), letGo: make(chan struct{}, 1000), begins: make(chan struct{}, 1000)}
}

func (d *slowDisk) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrote <- struct{}{}
	return d.buf.Write(b)
}

func (d *slowDisk) Sync() error {
	d.mu.Lock()
	began := d.buf.String()
	d.mu.Unlock()
	d.begins <- struct{}{}
	<-d.letGo
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	d.kept = began
	return d.fail
}

func (d *slowDisk) has(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Contains(d.kept, text)
}

func TestThoseWhoWaitShareASync(t *testing.T) {
	for _, fail := range []error{nil, syscall.EIO} {
		disk := newSlowDisk(fail)
		l := audit.New(disk)
		var wg sync.WaitGroup
		intend := func(name string) {
			wg.Go(func() {
				err := l.Intend(&audit.Entry{Name: name})
				if !disk.has(`"`+name+`"`) || !errors.Is(err, fail) || fail != nil && store.CodeOf(err) != store.Unavailable {
					t.Errorf("Intend of %s: %v, want %v; the disk has %d bytes", name, err, fail, len(disk.kept))
				}
			})
		}
		intend("first")
		<-disk.begins
		for i := range 100 { // they come during a sync that is not theirs
			intend(string(rune('a'+i%26)) + strings.Repeat("x", i/26))
		}
		for range 101 {
			<-disk.wrote
		}
		close(disk.letGo)
		wg.Wait()
		if disk.syncs != 2 {
			t.Errorf("%d syncs, want one of the first and one of all others", disk.syncs)
		}
	}
}

// TestIntentsOutliveARotation has intents in a file that is rotated before
// they are synced.
func TestIntentsOutliveARotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, audit.Limits{MaxSize: 500})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := l.Change(&audit.Entry{Request: audit.NewRequest(), Outcome: "written"}, func() error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	settled := map[string]int{}
	for _, name := range append(rotated(t, path), path) {
		for _, p := range parse(t, name) {
			settled[p.Request]++
		}
	}
	if len(settled) != 160 {
		t.Errorf("%d changes, want 160", len(settled))
	}
	for request, n := range settled {
		if n != 2 {
			t.Errorf("%s has %d lines", request, n)
		}
	}
}

func TestCommandsTakeTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	var inside atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			err := audit.ForCommand(path).Change(&audit.Entry{Outcome: "written"}, func() error {
				if inside.Add(1) != 1 {
					t.Error("two commands are between their lines")
				}
				inside.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all := parse(t, path)
	if len(all) != 12 {
		t.Fatalf("%d lines", len(all))
	}
	for i, p := range all {
		if want := []string{audit.Intended, "written"}[i%2]; p.Outcome != want {
			t.Errorf("line %d is %q, want %q", i, p.Outcome, want)
		}
	}
}

func TestWhileADaemonHasTheLogACommandChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	synctest.Test(t, func(t *testing.T) {
		l := open(t, path, audit.Limits{})
		err := audit.ForCommand(path).Change(&audit.Entry{}, func() error {
			t.Error("the change was made")
			return nil
		})
		if store.CodeOf(err) != store.Unavailable || !strings.Contains(err.Error(), "another process") || store.Hint(err) == "" {
			t.Errorf("Change: %v, want Unavailable with a hint", err)
		}
		_ = l.Close()
		if err := audit.ForCommand(path).Change(&audit.Entry{}, func() error { return nil }); err != nil {
			t.Errorf("once it is free: %v", err)
		}
	})
}
