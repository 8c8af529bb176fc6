package gate_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// checked is a store whose Check hangs until its channel is closed, or fails.
type checked struct {
	*memstore.Store
	hangs  chan struct{}
	err    error
	checks atomic.Int64
}

func (c *checked) Check(context.Context) error {
	c.checks.Add(1)
	if c.hangs != nil {
		<-c.hangs
	}
	return c.err
}

// log takes lines, or nothing.
type lines struct {
	bytes.Buffer
	err   error
	syncs int
}

func (l *lines) Write(b []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	return l.Buffer.Write(b)
}

func (l *lines) Sync() error {
	l.syncs++
	return nil
}

func readyGate(t *testing.T, own store.Store, to *lines) *gate.Gate {
	t.Helper()
	g, err := gate.New(gate.Config{Own: own, OwnDialect: dialect.Native{}, Audit: audit.New(to)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func ready(t *testing.T, g *gate.Gate, want store.Code) (audited bool) {
	t.Helper()
	c := gate.Caller{Protocol: "http", Remote: "192.0.2.1:1", Request: "r"}
	if err := g.Ready(t.Context(), &c); store.CodeOf(err) != want {
		t.Errorf("Ready = %v, want code %q", err, want)
	}
	return c.Audited()
}

func TestReadyIsAReadAndALineOnTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, to := &checked{Store: memstore.New("own")}, &lines{}
		g := readyGate(t, own, to)
		for range 100 {
			ready(t, g, "")
		}
		if n := strings.Count(to.String(), "\n"); n != 1 || to.syncs != 1 || own.checks.Load() != 1 {
			t.Errorf("%d lines, %d syncs and %d reads for a second of questions: %s", n, to.syncs, own.checks.Load(), to)
		}
		if !strings.Contains(to.String(), `"action":"status"`) || !strings.Contains(to.String(), `"outcome":"answered"`) {
			t.Errorf("line %s", to)
		}
		time.Sleep(time.Second)
		to.err = errors.New("no space left")
		if !ready(t, g, store.Unavailable) || ready(t, g, store.Unavailable) {
			t.Error("the first who asks is the one with the line")
		}
		time.Sleep(time.Second)
		to.err = nil
		own.err = &store.Error{Op: "check", Code: store.Corrupt}
		ready(t, g, store.Corrupt)
		if !strings.Contains(to.String(), `"corrupt"`) {
			t.Errorf("lines %s", to)
		}
		time.Sleep(time.Second)
		own.err = nil
		ready(t, g, "")
	})
}

func TestAHungStoreIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := &checked{Store: memstore.New("own"), hangs: make(chan struct{})}
		g := readyGate(t, own, &lines{})
		start := time.Now()
		ready(t, g, store.Unavailable)
		for range 10 { // who asks later waits no more
			ready(t, g, store.Unavailable)
		}
		if took := time.Since(start); took > 2*time.Second { // of the test's own clock
			t.Errorf("it took %v", took)
		}
		if n := own.checks.Load(); n != 1 {
			t.Errorf("%d reads wait for the store", n)
		}
		close(own.hangs)
		time.Sleep(time.Second)
		ready(t, g, "")
	})
}
