package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// house is a gate over an upstream Vault and the own store, with its log.
type house struct {
	*gate.Gate
	upstream, own *memstore.Store
	log           *bytes.Buffer
}

func build(t *testing.T, change func(*gate.Config)) *house {
	t.Helper()
	h := &house{upstream: memstore.New("upstream"), own: memstore.New("embedded"), log: &bytes.Buffer{}}
	c := gate.Config{Deployment: "prod", Own: h.own, OwnDialect: dialect.Native{}, Audit: audit.New(h.log),
		Resolver: &airlock.Resolver{Sources: []airlock.Source{
			{Layer: airlock.LayerBackend, Class: "a.VaultBackend", Store: h.upstream, Dialect: dialect.DefaultVault()},
			{Layer: airlock.LayerBackend, Class: "airlock", Store: h.own, Dialect: dialect.Native{}},
		}}}
	if change != nil {
		change(&c)
	}
	g, err := gate.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.Gate = g
	return h
}

func caller(rules ...acl.Rule) *gate.Caller {
	return &gate.Caller{Principal: &acl.Principal{Name: "me", Deployment: "prod", Rules: rules}, Protocol: "vault", Remote: "peer", Request: "r"}
}

func everything() *gate.Caller { return caller(acl.Rule{}) }

func variable(id string) airflow.Ref { return airflow.Ref{Kind: airflow.KindVariable, ID: id} }

func name(refs ...airflow.Ref) gate.Name { return gate.Name{Refs: refs} }

func plain(exact string) gate.Name { return gate.Name{Plain: dialect.PlainName("vault", exact)} }

func put(t *testing.T, s store.Store, name, payload string) {
	t.Helper()
	form := store.Text
	if strings.HasPrefix(payload, "{") {
		form = store.Object
	}
	if _, err := store.Put(t.Context(), s, name, &store.Secret{Payload: []byte(payload), Form: form}, nil); err != nil {
		t.Fatal(err)
	}
}

func code(t *testing.T, what string, err error, want store.Code) {
	t.Helper()
	if store.CodeOf(err) != want {
		t.Errorf("%s: %v, want code %q", what, err, want)
	}
}

func (h *house) last(t *testing.T, parts ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	for _, p := range parts {
		if !strings.Contains(lines[len(lines)-1], p) {
			t.Errorf("the audit line lacks %s: %s", p, lines[len(lines)-1])
		}
	}
}

func set(text string) gate.Change {
	return func(*gate.Old) (*store.Secret, *store.PutOptions, error) {
		return &store.Secret{Payload: []byte(text)}, nil, nil
	}
}

func TestReadSaysWhereItFound(t *testing.T) {
	h := build(t, nil)
	put(t, h.upstream, "variables/up", `{"value": "1"}`)
	put(t, h.own, "variable//own", "2")
	put(t, h.own, "plain/vault/x", "3")
	for _, c := range []struct {
		n    gate.Name
		want string
		own  bool
		line []string
	}{
		{name(variable("up")), "1", false, []string{`"kind":"variable","name":"up"`, `"source":"a.VaultBackend"`, `"outcome":"found"`}},
		{name(variable("own")), "2", true, []string{`"source":"airlock"`, `"principal":"me"`, `"remote":"peer"`, `"action":"read"`}},
		{plain("x"), "", true, []string{`"kind":"plain","name":"vault/x"`}},
	} {
		a, err := h.Read(t.Context(), everything(), c.n, 0)
		if err != nil || a.Value.Text() != c.want && a.HasValue || a.Own != c.own || a.Version != 1 {
			t.Errorf("Read(%v) = %+v, %v", c.n, a, err)
		}
		h.last(t, c.line...)
	}
	_, err := h.Read(t.Context(), everything(), name(variable("nope")), 0)
	code(t, "Read of nothing", err, store.NotFound)
	h.last(t, `"outcome":"missing"`)
}

func TestEveryReadingOfANameIsAuthorised(t *testing.T) {
	h := build(t, nil)
	put(t, h.own, "variable//a/b", "global")
	both := name(airflow.Ref{Kind: airflow.KindVariable, ID: "b", Team: "a"}, variable("a/b"))
	if a, err := h.Read(t.Context(), everything(), both, 0); err != nil || a.Value.Text() != "global" {
		t.Errorf("Read = %+v, %v", a, err)
	}
	for _, rules := range [][]acl.Rule{
		{{IDs: []string{"a/b"}}}, {{Team: "a"}}, {{}, {Deny: true, Team: "a"}}, {{}, {Deny: true, IDs: []string{"a/*"}}},
	} {
		_, err := h.Read(t.Context(), caller(rules...), both, 0)
		code(t, fmt.Sprintf("Read with %+v", rules), err, store.Denied)
		h.last(t, `"outcome":"refused"`)
		_, err = h.Write(t.Context(), caller(rules...), both, set("x"))
		code(t, "Write", err, store.Denied)
	}
	for _, c := range []*gate.Caller{
		{Protocol: "vault"},
		{Principal: &acl.Principal{Name: "me", Deployment: "other"}, Protocol: "vault"},
	} {
		_, err := h.Read(t.Context(), c, both, 0)
		code(t, "Read by a stranger", err, store.Denied)
		_, err = h.List(t.Context(), c, gate.Listing{Kinds: airflow.Kinds()})
		code(t, "List by a stranger", err, store.Denied)
	}
}

func TestTwoHitsAreAConflict(t *testing.T) {
	h := build(t, nil)
	put(t, h.own, "variable//a/b", "global")
	put(t, h.own, "variable/a/b", "the team's")
	both := name(airflow.Ref{Kind: airflow.KindVariable, ID: "b", Team: "a"}, variable("a/b"))
	_, err := h.Read(t.Context(), everything(), both, 0)
	code(t, "Read", err, store.Conflict)
	_, err = h.Write(t.Context(), everything(), both, set("x"))
	code(t, "Write", err, store.Conflict)
	// One and the same secret under two readings is no conflict.
	put(t, h.upstream, "variables/c/d", `{"value": "v"}`)
	same := name(airflow.Ref{Kind: airflow.KindVariable, ID: "c/d", Team: "t"}, variable("c/d"))
	if a, err := h.Read(t.Context(), everything(), same, 0); err != nil || a.Value.Text() != "v" {
		t.Errorf("Read = %+v, %v", a, err)
	}
}

func TestATeamsNameDoesNotFallBack(t *testing.T) {
	h := build(t, nil)
	put(t, h.own, "variable//b", "global")
	_, err := h.Read(t.Context(), everything(), name(airflow.Ref{Kind: airflow.KindVariable, ID: "b", Team: "a"}), 0)
	code(t, "Read of a team's secret", err, store.NotFound)
}

func TestVersions(t *testing.T) {
	h := build(t, nil)
	ctx, me, n := t.Context(), everything(), name(variable("key"))
	for _, v := range []string{"one", "two"} {
		if _, err := h.Write(ctx, me, n, set(v)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(version int64, want string) {
		t.Helper()
		a, err := h.Read(ctx, me, n, version)
		if err != nil || string(a.Secret.Payload) != want {
			t.Errorf("Read(version %d) = %v, %v, want %q", version, a, err, want)
		}
	}
	read(0, "two")
	read(1, "one")
	read(2, "two")
	_, err := h.Read(ctx, me, n, 3)
	code(t, "Read of a version to come", err, store.NotFound)
	if err := h.Hide(ctx, me, n); err != nil {
		t.Fatal(err)
	}
	_, err = h.Read(ctx, me, n, 0)
	var hidden *gate.HiddenError
	if code(t, "Read of a hidden version", err, store.NotFound); !errors.As(err, &hidden) || hidden.Version.Version != 2 {
		t.Errorf("the error does not say what is hidden: %v", err)
	}
	read(1, "one")
	other := everything()
	other.Protocol = "aws"
	if err := h.Restore(ctx, other, n, 2); err != nil {
		t.Fatal(err)
	}
	_, err = h.Read(ctx, me, n, 0)
	code(t, "Read after another protocol's restore", err, store.NotFound)
	if err := h.Restore(ctx, me, n, 2); err != nil {
		t.Fatal(err)
	}
	read(0, "two")
	if err := h.Destroy(ctx, me, n, 1); err != nil {
		t.Fatal(err)
	}
	r, err := h.Describe(ctx, me, n)
	if err != nil || r.Latest != 2 || !r.Versions[0].Destroyed {
		t.Errorf("Describe = %+v, %v", r, err)
	}
	if err := h.Delete(ctx, me, n); err != nil {
		t.Fatal(err)
	}
	_, err = h.Describe(ctx, me, n)
	code(t, "Describe of nothing", err, store.NotFound)
	code(t, "Delete of nothing", h.Delete(ctx, me, n), store.NotFound)
}

func TestASourceAboveHasOneVersionAndHidesChanges(t *testing.T) {
	h := build(t, nil)
	put(t, h.upstream, "variables/up", `{"value": "1"}`)
	ctx, me, n := t.Context(), everything(), name(variable("up"))
	if r, err := h.Describe(ctx, me, n); err != nil || r.Latest != 1 || len(r.Versions) != 1 {
		t.Errorf("Describe = %+v, %v", r, err)
	}
	_, err := h.Read(ctx, me, n, 2)
	code(t, "Read of a version it has not", err, store.NotFound)
	for what, do := range map[string]func() error{
		"Write":    func() error { _, err := h.Write(ctx, me, n, set("x")); return err },
		"Delete":   func() error { return h.Delete(ctx, me, n) },
		"Hide":     func() error { return h.Hide(ctx, me, n) },
		"Annotate": func() error { return h.Annotate(ctx, me, n, nil) },
	} {
		err := do()
		code(t, what, err, store.Conflict)
		if !strings.Contains(fmt.Sprint(err), "a.VaultBackend") || !strings.Contains(store.Hint(err), "change it there") {
			t.Errorf("%s does not say what hides it: %v: %s", what, err, store.Hint(err))
		}
		h.last(t, `"outcome":"conflict"`)
	}
	_ = h.upstream.Close()
	_, err = h.Write(ctx, me, name(variable("other")), set("x"))
	code(t, "Write below a source that is down", err, store.Unavailable)
	_, err = h.Read(ctx, me, name(variable("other")), 0)
	var upstream *gate.UpstreamError
	if code(t, "Read", err, store.Unavailable); !errors.As(err, &upstream) {
		t.Errorf("the error is not the source's: %v", err)
	}
}

func TestWithoutAnOwnStoreNothingIsWritten(t *testing.T) {
	for what, change := range map[string]func(*gate.Config){
		"no own store": func(c *gate.Config) { c.Own = nil },
		"an own store that is no source": func(c *gate.Config) {
			c.Own = memstore.New("elsewhere")
		},
	} {
		h := build(t, change)
		_, err := h.Write(t.Context(), everything(), name(variable("k")), set("x"))
		code(t, what, err, store.Unsupported)
		put(t, h.upstream, "variables/up", `{"value": "1"}`)
		if _, err := h.Read(t.Context(), everything(), name(variable("up")), 0); err != nil {
			t.Errorf("%s: Read = %v", what, err)
		}
		_, err = h.Read(t.Context(), everything(), plain("x"), 0)
		code(t, what+": Read of a plain secret", err, store.NotFound)
	}
	if _, err := gate.New(gate.Config{Own: memstore.New("x")}); err == nil {
		t.Error("New without a dialect for the own store succeeded")
	}
}

func TestListMergesAndFilters(t *testing.T) {
	h := build(t, nil)
	put(t, h.upstream, "variables/b", `{"value": "1"}`)
	put(t, h.upstream, "connections/b", `{"conn_uri": "x://"}`)
	put(t, h.own, "variable//a", "1")
	put(t, h.own, "variable//b", "1")
	put(t, h.own, "variable/team/c", "1")
	put(t, h.own, "plain/vault/x/y", "1")
	put(t, h.own, "plain/aws/x/z", "1")
	list := func(c *gate.Caller, l gate.Listing) (got []string) {
		t.Helper()
		items, err := h.List(t.Context(), c, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			got = append(got, i.Plain+i.Ref.Team+"/"+i.Ref.ID)
		}
		return got
	}
	l := gate.Listing{Kinds: []airflow.Kind{airflow.KindVariable}, Plain: "plain/vault/", Asked: "x"}
	if got, want := list(everything(), l), []string{"/a", "/b", "team/c", "plain/vault/x/y/"}; !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
	h.last(t, `"action":"list"`, `"name":"x"`, `"outcome":"listed"`)
	some := caller(acl.Rule{Kinds: []acl.Kind{acl.Variable}}, acl.Rule{Deny: true, IDs: []string{"a"}})
	if got, want := list(some, l), []string{"/b", "team/c"}; !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
	_, err := h.List(t.Context(), caller(), l)
	code(t, "List by who may only read", err, store.Denied)
}

func TestAnnotationsDoNotCross(t *testing.T) {
	h := build(t, nil)
	n := plain("x")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := h.Annotate(t.Context(), everything(), n, func(r *store.Record) (map[string]string, error) {
				all := map[string]string{fmt.Sprint(i): "x"}
				if r != nil {
					for k, v := range r.Attributes["vault"] {
						all[k] = v
					}
				}
				return all, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := h.Describe(t.Context(), everything(), n)
	if err != nil || len(r.Attributes["vault"]) != 20 {
		t.Errorf("%d attributes, %v, want 20", len(r.Attributes["vault"]), err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestNothingIsAnsweredWithoutItsLine(t *testing.T) {
	h := build(t, func(c *gate.Config) { c.Audit = audit.New(full{}) })
	put(t, h.own, "variable//key", "v")
	ctx, me, n := t.Context(), everything(), name(variable("key"))
	a, err := h.Read(ctx, me, n, 0)
	if code(t, "Read", err, store.Unavailable); a != nil {
		t.Error("Read gave a value away")
	}
	r, err := h.Describe(ctx, me, n)
	if code(t, "Describe", err, store.Unavailable); r != nil {
		t.Error("Describe gave a record away")
	}
	items, err := h.List(ctx, me, gate.Listing{Kinds: airflow.Kinds()})
	if code(t, "List", err, store.Unavailable); items != nil {
		t.Error("List gave names away")
	}
	code(t, "Note", h.Note(me, "login", "logged in", nil), store.Unavailable)
	_, err = h.Write(ctx, me, n, set("x"))
	if code(t, "Write", err, store.Unavailable); audit.Made(err) {
		t.Errorf("Write without a line was made: %v", err)
	}
}

func TestACancelledReadIsNotMissing(t *testing.T) {
	h := build(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Read(ctx, everything(), name(variable("key")), 0)
	code(t, "Read", err, store.Unavailable)
}
