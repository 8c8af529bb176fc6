package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/cachestore"
)

// Miss is one answer of a service to a read that is no secret: a row of
// docs/misses.md.
type Miss struct {
	// Service is whose answer it is: what Harness.Service names.
	Service string
	// Answer is what the service answers, in words; no two of a service are alike.
	Answer string
	// Code and Absent are the store's. The zero Code is NotFound.
	Code   store.Code
	Absent bool
	// Forgiven says that the class takes it for "not found", though Code is
	// another one.
	Forgiven bool
}

// code is Code with its default.
func (m Miss) code() store.Code {
	if m.Code == "" {
		return store.NotFound
	}
	return m.Code
}

// missed reports whether Airflow takes the answer for "not found".
func (m Miss) missed() bool { return m.Forgiven || m.code() == store.NotFound }

// Commands is what `airlock get` and `airlock explain` say where no other
// source has the name: what Airflow does, with the reason where nothing is
// proven.
func (m Miss) Commands() string {
	switch {
	case m.Absent:
		return "not found"
	case m.missed():
		return "not found, with the reason"
	}
	return "fails: " + string(m.code())
}

// Served is the status that `airlock serve` answers where no other source has
// the name.
func (m Miss) Served() int {
	switch {
	case m.Absent:
		return 404
	case m.missed():
		return 504
	case m.code() == store.Denied:
		return 403
	case m.code() == store.Invalid:
		return 400
	}
	return 504
}

// Cached says whether serve keeps the answer for the time of --cache-ttl.
func (m Miss) Cached() string {
	if m.Absent {
		return "yes"
	}
	return "no"
}

// MissesDocument is the text of docs/misses.md.
func MissesDocument() string {
	var b strings.Builder
	b.WriteString(missesPreface)
	service := ""
	for _, m := range Misses() {
		if m.Service != service {
			service = m.Service
			fmt.Fprintf(&b, "\n## %s\n\n| the service answers | get and explain | serve | cached |\n|---|---|---|---|\n", service)
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", m.Answer, m.Commands(), m.Served(), m.Cached())
	}
	return b.String()
}

const missesPreface = `# What counts as "not found"

` + "`go test ./store/storetest -update`" + ` writes this page. Each driver's tests make its service give each answer.

Airflow takes more for "not found" than what is not there: any 404, and some failures. ` + "`get`, `explain`" + ` and the other
commands answer as Airflow does, and name the reason where the answer proves nothing. ` + "`serve`" + ` answers 404 only where the
service proves that the name is not there, because a client that gets 404 takes a value of its own database, or writes what it
believes to be new. Any other answer is a failure of that source: a later source may have the name, and where none has it the
answer is the status below. Only a proven miss is cached, and only a proven miss lets a change through where
a source that is asked earlier could hide it. An id that a class never asks its service for, such as one without a mount
where ` + "`mount_point`" + ` is null, is not among that source's names: the next source is asked.
`

// missTests are run for a harness that names its service.
func missTests() []testCase {
	return []testCase{{"every answer counts as it is documented", testMisses}}
}

func testMisses(t *testing.T, s *suite) {
	left := len(s.Answers)
	for _, m := range Misses() {
		if m.Service != s.Service {
			continue
		}
		answer := s.Answers[m.Answer]
		if answer == nil {
			t.Errorf("the harness cannot make %s answer: %s", m.Service, m.Answer)
			continue
		}
		left--
		t.Run(m.Answer, func(t *testing.T) {
			from, name := answer(t)
			if from == nil {
				from = s.Store
			}
			s.testMiss(t, m, &counted{Store: from, name: name})
		})
	}
	if left != 0 {
		t.Errorf("the harness makes %d answers that docs/misses.md has not", left)
	}
}

// testMiss checks one row: the error, the cache, and what a look-up makes of it.
func (s *suite) testMiss(t *testing.T, m Miss, from *counted) {
	_, err := from.Get(s.ctx, "x")
	if store.CodeOf(err) != m.code() || store.Absent(err) != m.Absent {
		t.Errorf("Get = %v, proven %v; want code %q, proven %v", err, store.Absent(err), m.code(), m.Absent)
	}
	from.reads = 0
	cache := cachestore.New(from, cachestore.Options{TTL: cachestore.Forever, Stale: cachestore.Forever})
	for range 2 {
		if _, err := cache.Get(s.ctx, "x"); store.Absent(err) != m.Absent {
			t.Errorf("Get from the cache = %v, want proven %v", err, m.Absent)
		}
	}
	// What was kept would be Absent. After a failure a cache may leave the service
	// alone for a moment.
	if m.Absent && from.reads != 1 {
		t.Errorf("two reads through a cache were %d of the service, want that the miss is cached", from.reads)
	}
	for _, proof := range []bool{false, true} {
		r := airlock.Resolver{Proof: proof, Sources: []airlock.Source{{Layer: airlock.LayerBackend, Store: from, Dialect: s.Dialect}}}
		res, err := r.Lookup(s.ctx, airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
		missing := m.Absent || m.missed() && !proof
		if (res.Outcome == airlock.Missing) != missing || (store.CodeOf(err) == store.NotFound) != missing {
			t.Errorf("Lookup with Proof %v = %s, %v; want missing: %v", proof, res.Outcome, err, missing)
		}
		if a := res.Attempts[0]; missing && !m.Absent && a.Reason == "" {
			t.Errorf("explain has no reason: %+v", res.Explain(false).Attempts[0])
		}
	}
}

// counted answers every name as its store answers one, and counts.
type counted struct {
	store.Store
	name  string
	reads int
}

func (c *counted) Get(ctx context.Context, _ string) (*store.Secret, error) {
	c.reads++
	return c.Store.Get(ctx, c.name)
}

// The harness must say how its class reads, for what it forgives.
func checkMisses(t *testing.T, h Harness) {
	if (h.Service == "") != (len(h.Answers) == 0) || h.Service != "" && h.Dialect == dialect.Dialect(nil) {
		t.Fatal("a harness has Service, Answers and Dialect, or none of them")
	}
}
