package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
)

// parsed is a line as a reader takes it.
type parsed struct {
	V                                             int
	Time                                          time.Time
	Request, Remote, Action, Name, Typed, Outcome string
	Count                                         int64
	Outcomes                                      map[string]int64
}

func parse(t *testing.T, path string) []parsed {
	t.Helper()
	var all []parsed
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil
	}
	for _, line := range lines(t, path) {
		var p parsed
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, p)
	}
	return all
}

func open(t *testing.T, path string, limits audit.Limits) *audit.Log {
	t.Helper()
	l, err := audit.Open(path, limits)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func bad(peer, outcome string) *audit.Entry {
	return &audit.Entry{Request: "r", Protocol: "vault", Remote: peer, Action: "authenticate", Outcome: outcome}
}

func TestAFloodIsOneLineASecondAndPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	synctest.Test(t, func(t *testing.T) {
		l := open(t, path, audit.Limits{})
		for second := range 3 {
			for i := range 37_000 {
				l.Count(bad(fmt.Sprintf("10.0.0.%d:%d", i%2, i), "unauthenticated"))
			}
			l.Count(bad("[::1]:5", "invalid"))
			if got := len(parse(t, path)); got != second*3 {
				t.Fatalf("%d lines before the end of second %d, want %d", got, second, second*3)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		all := parse(t, path)
		if len(all) != 9 {
			t.Fatalf("%d lines, want one a second and peer: %+v", len(all), all)
		}
		for i, want := range []parsed{{Remote: "10.0.0.0", Count: 18_500}, {Remote: "10.0.0.1", Count: 18_500}, {Remote: "[::1]:5", Count: 1}} {
			if got := all[i]; got.V != 1 || got.Remote != want.Remote || got.Count != want.Count || got.Action != "authenticate" || got.Request != "r" {
				t.Errorf("line %d is %+v, want %+v", i, got, want)
			}
		}
	})
}

func TestSumsSayWhatIsDifferentInThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, audit.Limits{})
	for range 3 {
		l.Count(bad("10.0.0.1:1", "unauthenticated"))
	}
	l.Count(&audit.Entry{Remote: "10.0.0.1:2", Action: "request", Outcome: "invalid", Name: "only of this one", Typed: "only-of-this-one"})
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	got := parse(t, path)
	if len(got) != 1 || got[0].Count != 4 || got[0].Action != "several" || got[0].Outcome != "several" || got[0].Name+got[0].Typed != "" ||
		fmt.Sprint(got[0].Outcomes) != "map[invalid:1 unauthenticated:3]" {
		t.Errorf("the sum is %+v", got)
	}
	if err := l.Flush(); err != nil || len(parse(t, path)) != 1 {
		t.Errorf("a second Flush: %v, %d lines", err, len(parse(t, path)))
	}
	_ = l.Close()
}

func TestPeersBeyondTheBoundAreSummedTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path, audit.Limits{})
	for i := range 3000 {
		for range 2 {
			l.Count(bad(fmt.Sprintf("10.1.%d.%d:%d", i/250, i%250, i), "unauthenticated"))
		}
	}
	if err := l.Close(); err != nil { // which writes them
		t.Fatal(err)
	}
	all, total := parse(t, path), int64(0)
	for _, p := range all {
		total += p.Count
		if p.Remote == "others" && p.Count != 2*(3000-1024) {
			t.Errorf("the others are %d", p.Count)
		}
	}
	if len(all) != 1025 || total != 6000 {
		t.Errorf("%d lines of %d requests, want 1025 of 6000", len(all), total)
	}
}

func TestASumThatCannotBeWrittenWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	synctest.Test(t, func(t *testing.T) {
		l := open(t, path, audit.Limits{})
		block(t, path)
		l.Count(bad("10.0.0.1:1", "unauthenticated"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		l.Count(bad("10.0.0.1:1", "unauthenticated"))
		if err := l.Flush(); err == nil {
			t.Error("Flush succeeded without a file")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := parse(t, path); len(got) != 1 || got[0].Count != 2 {
			t.Errorf("the log has %+v, want both requests", got)
		}
		_ = l.Close()
	})
}
