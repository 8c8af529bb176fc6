package facadetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// Run checks every fact against f.
func Run(t *testing.T, f Facade) {
	for _, fact := range []struct {
		name string
		test func(*testing.T, Facade)
	}{
		{"what the own store has is found", found},
		{"what a source has is found, and wins over the own store", foundAbove},
		{"what nobody has is missing", missing},
		{"what is written is read back, and gone once deleted", written},
		{"odd names and values come through", odd},
		{"what no rule allows is denied", denied},
		{"a bad token is refused, and nothing is asked", badToken},
		{"a list is sorted, merged and filtered", listed},
		{"a source that fails fails the list", failingList},
		{"a source that fails is not a missing secret", failing},
		{"a write that a source would hide is refused", hidden},
		{"every request leaves one line without a value", audited},
		{"nothing is answered that cannot be audited", unauditable},
		{"too large a value is refused", oversized},
		{"many clients at once get their own answers", concurrent},
	} {
		t.Run(fact.name, func(t *testing.T) { fact.test(t, f) })
	}
}

func want(t *testing.T, c Client, ref airflow.Ref, value string) {
	t.Helper()
	got, err := c.Get(t.Context(), ref)
	if err != nil {
		t.Errorf("Get(%s) = %v, want a value", ref, err)
		return
	}
	if got != value {
		t.Errorf("Get(%s) = %.60q, want %.60q", ref, got, value)
	}
}

func wantCode(t *testing.T, what string, err error, codes ...store.Code) {
	t.Helper()
	if err == nil || !slices.Contains(codes, store.CodeOf(err)) {
		t.Errorf("%s = %v (%q), want code %q", what, err, store.CodeOf(err), codes)
	}
}

func found(t *testing.T, f Facade) {
	b := open(t, f)
	c := b.connect(t, "reader")
	refs := []airflow.Ref{variable("key"), connection("db")}
	if !f.Limits.NoConfig {
		refs = append(refs, airflow.Ref{Kind: airflow.KindConfig, ID: "sql_alchemy"})
	}
	for _, ref := range refs {
		seed(t, b.own, dialect.Native{}, ref, "postgres://u:p@h/"+ref.ID)
		want(t, c, ref, "postgres://u:p@h/"+ref.ID)
	}
}

func foundAbove(t *testing.T, f Facade) {
	above := memstore.New("upstream")
	b := open(t, f, upstream(above))
	c := b.connect(t, "reader")
	seed(t, above, dialect.DefaultVault(), variable("both"), "above")
	seed(t, b.own, dialect.Native{}, variable("both"), "below")
	seed(t, above, dialect.DefaultVault(), connection("db"), "mysql://h")
	seed(t, b.own, dialect.Native{}, variable("own"), "below")
	want(t, c, variable("both"), "above")
	want(t, c, connection("db"), "mysql://h")
	want(t, c, variable("own"), "below")
}

func missing(t *testing.T, f Facade) {
	b := open(t, f)
	c := b.connect(t, "reader")
	for _, ref := range []airflow.Ref{variable("nope"), connection("nope")} {
		_, err := c.Get(t.Context(), ref)
		wantCode(t, "Get of what is not there", err, store.NotFound)
	}
}

func written(t *testing.T, f Facade) {
	b := open(t, f)
	c := b.connect(t, "writer", all())
	for _, ref := range []airflow.Ref{variable("key"), connection("db")} {
		for _, value := range []string{"http://one", "http://two"} {
			if err := c.Put(t.Context(), ref, value); err != nil {
				t.Fatalf("Put(%s) = %v", ref, err)
			}
			want(t, c, ref, value)
		}
		// What came in by the protocol is Airflow's for everybody else too.
		s, err := b.own.Get(t.Context(), dialect.Native{}.Names(ref).Names[0])
		if err != nil {
			t.Fatal(err)
		}
		if v, err := (dialect.Native{}).Decode(ref, s); err != nil || v.Text() != "http://two" {
			t.Errorf("the own store holds %v for %s, %v", v.Text(), ref, err)
		}
		if err := c.Delete(t.Context(), ref); err != nil {
			t.Fatalf("Delete(%s) = %v", ref, err)
		}
		_, err = c.Get(t.Context(), ref)
		wantCode(t, "Get of what was deleted", err, store.NotFound)
	}
}

func odd(t *testing.T, f Facade) {
	b := open(t, f)
	c := b.connect(t, "writer", all())
	values := []string{"", " ", "ü☃💥", "a\nb\x01\"\\/\u2028", strings.Repeat("x", 200_000), `{"json": [1, 2]}`}
	for i, id := range []string{
		"with space", "a/b/c", "ünï☃", "per%cent", "plus+", "q?uery", "ha#sh", `quo"te`, "back\\slash", "semi;colon", "a&b=c",
		"dot.ted-dash_ed", "UPPER", "..a", "a..", "%2e%2e", strings.Repeat("l", 10_000),
	} {
		if f.Limits.Holds != nil && !f.Limits.Holds(id) {
			continue
		}
		value := values[i%len(values)]
		if err := c.Put(t.Context(), variable(id), value); err != nil {
			t.Errorf("Put(%.40q) = %v", id, err)
			continue
		}
		want(t, c, variable(id), value)
		seed(t, b.own, dialect.Native{}, variable(id), value+"!")
		want(t, c, variable(id), value+"!")
	}
}

func denied(t *testing.T, f Facade) {
	b := open(t, f)
	seed(t, b.own, dialect.Native{}, variable("yes"), "v")
	seed(t, b.own, dialect.Native{}, variable("no"), "v")
	c := b.connect(t, "some", acl.Rule{Actions: []acl.Action{acl.Read}, Kinds: []acl.Kind{acl.Variable}},
		acl.Rule{Deny: true, IDs: []string{"no"}})
	want(t, c, variable("yes"), "v")
	for _, ref := range []airflow.Ref{variable("no"), connection("db")} {
		_, err := c.Get(t.Context(), ref)
		wantCode(t, "Get without a rule", err, store.Denied, store.Unauthenticated)
	}
	wantCode(t, "Put without a rule", c.Put(t.Context(), variable("yes"), "new"), store.Denied, store.Unauthenticated)
	wantCode(t, "Delete without a rule", c.Delete(t.Context(), variable("yes")), store.Denied, store.Unauthenticated)
	want(t, c, variable("yes"), "v")
	if !f.Limits.NoList {
		_, err := c.List(t.Context(), airflow.KindVariable)
		wantCode(t, "List without a rule", err, store.Denied, store.Unauthenticated)
	}
	if !strings.Contains(b.audit.text(), `"outcome":"refused"`) {
		t.Error("no audit line says that a request was refused")
	}
}

func badToken(t *testing.T, f Facade) {
	b := open(t, f)
	seed(t, b.own, dialect.Native{}, variable("key"), "v")
	good, err := b.clients.Create(t.Context(), client.Spec{Name: "gone", Deployment: deployment})
	if err != nil {
		t.Fatal(err)
	}
	c := f.Connect(t, b.url, good)
	want(t, c, variable("key"), "v")
	if err := b.clients.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), variable("key"))
	wantCode(t, "Get with a revoked token", err, store.Unauthenticated, store.Denied)
	other, err := b.clients.Create(t.Context(), client.Spec{Name: "other", Deployment: "other"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Connect(t, b.url, other).Get(t.Context(), variable("key"))
	wantCode(t, "Get by a client of another deployment", err, store.Denied, store.Unauthenticated)
}

func listed(t *testing.T, f Facade) {
	if f.Limits.NoList {
		t.Skip("the protocol cannot list")
	}
	above := memstore.New("upstream")
	b := open(t, f, upstream(above))
	for _, id := range []string{"b", "shared", "a"} {
		seed(t, above, dialect.DefaultVault(), variable(id), "v")
	}
	for _, id := range []string{"z", "shared", "secret_1"} {
		seed(t, b.own, dialect.Native{}, variable(id), "v")
	}
	seed(t, b.own, dialect.Native{}, connection("db"), "http://h")
	list := func(name string, ids []string, rules ...acl.Rule) {
		t.Helper()
		got, err := b.connect(t, name, rules...).List(t.Context(), airflow.KindVariable)
		if err != nil || !slices.Equal(got, ids) {
			t.Errorf("List as %s = %q, %v, want %q", name, got, err, ids)
		}
	}
	list("everything", []string{"a", "b", "secret_1", "shared", "z"}, all())
	list("some", []string{"a", "b", "shared", "z"}, all(), acl.Rule{Deny: true, IDs: []string{"secret_*"}})
}

func failingList(t *testing.T, f Facade) {
	if f.Limits.NoList {
		t.Skip("the protocol cannot list")
	}
	b := open(t, f, upstream(faulty{store.Unavailable}))
	seed(t, b.own, dialect.Native{}, variable("key"), "v")
	_, err := b.connect(t, "writer", all()).List(t.Context(), airflow.KindVariable)
	wantCode(t, "List over a source that is down", err, store.Unavailable)
	if err != nil && !strings.Contains(err.Error(), "upstream.VaultBackend") {
		t.Errorf("the error does not name the source: %v", err)
	}
}

func failing(t *testing.T, f Facade) {
	for code, codes := range map[store.Code][]store.Code{
		store.Unavailable:     {store.Unavailable},
		store.Unauthenticated: {store.Unavailable}, // not the client's own token
		store.Throttled:       {store.Throttled},
		store.Denied:          {store.Denied, store.Unauthenticated},
		store.Corrupt:         {store.Unavailable, store.Corrupt},
	} {
		b := open(t, f, upstream(faulty{code}))
		c := b.connect(t, "reader")
		_, err := c.Get(t.Context(), variable("nope"))
		wantCode(t, fmt.Sprintf("Get over a source that is %s", code), err, codes...)
		// Airflow's order: a source that fails is passed over.
		seed(t, b.own, dialect.Native{}, variable("key"), "below")
		want(t, c, variable("key"), "below")
	}
}

func hidden(t *testing.T, f Facade) {
	above := memstore.New("upstream")
	b := open(t, f, upstream(above))
	c := b.connect(t, "writer", all())
	seed(t, above, dialect.DefaultVault(), variable("key"), "above")
	err := c.Put(t.Context(), variable("key"), "below")
	wantCode(t, "Put of what a source hides", err, store.Conflict, store.Invalid)
	if err != nil && !strings.Contains(err.Error(), "upstream.VaultBackend") {
		t.Errorf("the error does not name the source: %v", err)
	}
	if names, _ := b.own.List(t.Context(), ""); len(names) != 0 {
		t.Errorf("the own store holds %q", names)
	}
	down := open(t, f, upstream(faulty{store.Unavailable}))
	err = down.connect(t, "writer", all()).Put(t.Context(), variable("key"), "below")
	wantCode(t, "Put below a source that is down", err, store.Unavailable)
}

func audited(t *testing.T, f Facade) {
	b := open(t, f)
	c := b.connect(t, "writer", all())
	const value = "s3cr3t-v4lue"
	type step struct {
		lines int // two of a change
		do    func() error
	}
	steps := []step{
		{2, func() error { return c.Put(t.Context(), variable("key"), value) }},
		{1, func() error { _, err := c.Get(t.Context(), variable("key")); return err }},
		{1, func() error { _, err := c.Get(t.Context(), variable("nope")); return err }},
		{2, func() error { return c.Delete(t.Context(), variable("key")) }},
	}
	if !f.Limits.NoList {
		steps = append(steps, step{1, func() error { _, err := c.List(t.Context(), airflow.KindVariable); return err }})
	}
	for i, step := range steps {
		before := b.audit.count()
		if err := step.do(); err != nil && store.CodeOf(err) != store.NotFound {
			t.Fatalf("step %d: %v", i, err)
		}
		if got := b.audit.count() - before; got != step.lines {
			t.Errorf("step %d left %d lines, want %d", i, got, step.lines)
		}
	}
	text := b.audit.text()
	if strings.Contains(text, value) {
		t.Error("a value stands in the audit log")
	}
	for line := range strings.Lines(text) {
		var e struct{ Principal, Protocol, Remote, Action, Outcome, Request string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Principal != "writer" || e.Protocol == "" ||
			e.Remote == "" || e.Action == "" || e.Outcome == "" || e.Request == "" {
			t.Errorf("line %s is incomplete: %v", line, err)
		}
	}
}

func unauditable(t *testing.T, f Facade) {
	b := open(t, f)
	c := b.connect(t, "writer", all())
	seed(t, b.own, dialect.Native{}, variable("key"), "s3cr3t")
	b.audit.breakDown(errors.New("no space left on device"))
	got, err := c.Get(t.Context(), variable("key"))
	wantCode(t, "Get while the log is full", err, store.Unavailable)
	if strings.Contains(got+fmt.Sprint(err), "s3cr3t") {
		t.Error("the value left without a line")
	}
	wantCode(t, "Put while the log is full", c.Put(t.Context(), variable("other"), "v"), store.Unavailable)
	wantCode(t, "Delete while the log is full", c.Delete(t.Context(), variable("key")), store.Unavailable)
	if names, err := b.own.List(t.Context(), ""); err != nil || len(names) != 1 {
		t.Errorf("the own store has %q, %v after changes without a line", names, err)
	}
	b.audit.breakDown(nil)
	want(t, c, variable("key"), "s3cr3t")
}

func oversized(t *testing.T, f Facade) {
	b := open(t, f)
	c := b.connect(t, "writer", all())
	err := c.Put(t.Context(), variable("key"), strings.Repeat("x", 2<<20))
	wantCode(t, "Put of 2 MiB", err, store.Invalid)
	_, err = c.Get(t.Context(), variable(strings.Repeat("x", 40_000)))
	wantCode(t, "Get of a name of 40 kB", err, store.Invalid, store.NotFound)
	if names, _ := b.own.List(t.Context(), ""); len(names) != 0 {
		t.Errorf("the own store holds %d names", len(names))
	}
}

func concurrent(t *testing.T, f Facade) {
	b := open(t, f)
	const clients, rounds = 8, 20
	var wg sync.WaitGroup
	for i := range clients {
		c := b.connect(t, fmt.Sprintf("client-%d", i), all())
		wg.Go(func() {
			for n := range rounds {
				ref, value := variable(fmt.Sprintf("key-%d", i)), fmt.Sprintf("%d/%d", i, n)
				if err := c.Put(t.Context(), ref, value); err != nil {
					t.Errorf("Put = %v", err)
					return
				}
				want(t, c, ref, value)
			}
		})
	}
	wg.Wait()
}
