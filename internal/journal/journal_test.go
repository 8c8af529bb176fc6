package journal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/journal"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
	"github.com/airlock-secrets/airlock/store/sqlstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		log := audit.New(&bytes.Buffer{})
		return storetest.Harness{Store: journal.New(memstore.New("memory"), journal.Options{Changes: log, Reads: log})}
	})
}

// change is each method of a store that changes something.
type change struct {
	method string
	do     func(ctx context.Context, s *journal.Store, name string) error
}

func changes() []change {
	return []change{
		{"Put", func(ctx context.Context, s *journal.Store, name string) error {
			_, err := s.Put(ctx, name, &store.Secret{Payload: []byte("new")}, nil)
			return err
		}},
		{"SetAttributes", func(ctx context.Context, s *journal.Store, name string) error {
			return s.SetAttributes(ctx, name, "cli", map[string]string{"a": "b"})
		}},
		{"Hide", func(ctx context.Context, s *journal.Store, name string) error { return s.Hide(ctx, name, "cli", 1) }},
		{"Restore", func(ctx context.Context, s *journal.Store, name string) error { return s.Restore(ctx, name, "cli", 1) }},
		{"Destroy", func(ctx context.Context, s *journal.Store, name string) error { return s.Destroy(ctx, name, 1) }},
		{"Delete", func(ctx context.Context, s *journal.Store, name string) error { return s.Delete(ctx, name) }},
	}
}

func TestEveryMethodThatChangesIsAmongTheChanges(t *testing.T) {
	reads := []string{"Get", "Close", "List", "GetVersion", "Record", "Check", "Locate", "Name"}
	of := reflect.TypeFor[*journal.Store]()
	for i := range of.NumMethod() {
		name := of.Method(i).Name
		if !slices.Contains(reads, name) && !slices.ContainsFunc(changes(), func(c change) bool { return c.method == name }) {
			t.Errorf("%s is neither among the reads nor among the changes of this test", name)
		}
	}
}

// line is what a test looks at.
type line struct{ Request, Principal, Protocol, Action, Kind, Team, Name, Outcome string }

func parse(t *testing.T, text string) []line {
	t.Helper()
	var all []line
	for one := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(one), &l); err != nil {
			t.Fatalf("%q: %v", one, err)
		}
		all = append(all, l)
	}
	return all
}

// synced is a disk that knows which lines it would still have after a crash.
type synced struct {
	bytes.Buffer
	kept string
}

func (s *synced) Sync() error {
	s.kept = s.String()
	return nil
}

// watching is a store that looks at the log whenever it is changed.
type watching struct {
	*memstore.Store
	log     *synced
	intents []string
}

func (w *watching) look(action string) {
	all := strings.Split(strings.TrimSpace(w.log.kept), "\n")
	last := all[len(all)-1]
	if !strings.Contains(last, `"outcome":"intended"`) {
		last = "none"
	}
	w.intents = append(w.intents, action+" "+last)
}

func (w *watching) Put(ctx context.Context, name string, s *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	w.look("write")
	return w.Store.Put(ctx, name, s, o)
}

func (w *watching) Delete(ctx context.Context, name string) error {
	w.look("delete")
	return w.Store.Delete(ctx, name)
}

func (w *watching) Hide(ctx context.Context, name, by string, versions ...int64) error {
	w.look("hide")
	return w.Store.Hide(ctx, name, by, versions...)
}

func (w *watching) Restore(ctx context.Context, name, by string, versions ...int64) error {
	w.look("restore")
	return w.Store.Restore(ctx, name, by, versions...)
}

func (w *watching) Destroy(ctx context.Context, name string, versions ...int64) error {
	w.look("destroy")
	return w.Store.Destroy(ctx, name, versions...)
}

func (w *watching) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	w.look("annotate")
	return w.Store.SetAttributes(ctx, name, protocol, attributes)
}

func TestTheIntentIsOnTheDiskBeforeTheStoreIsTouched(t *testing.T) {
	disk := &synced{}
	inner := &watching{Store: memstore.New("memory"), log: disk}
	s := journal.New(inner, journal.Options{Changes: audit.New(disk), Principal: journal.Owner, Protocol: "cli"})
	for _, c := range changes() {
		before := disk.Len()
		if err := c.do(t.Context(), s, "variable/team/key"); err != nil {
			t.Fatalf("%s: %v", c.method, err)
		}
		two := parse(t, disk.String()[before:])
		if len(two) != 2 || two[0].Request == "" || two[0].Outcome != audit.Intended || two[1].Outcome == "" {
			t.Fatalf("%s left %+v, want an intent and an outcome", c.method, two)
		}
		two[1].Outcome = audit.Intended
		if two[0] != two[1] {
			t.Errorf("%s: the lines %+v and %+v differ by more than the outcome", c.method, two[0], two[1])
		}
		action, intent, _ := strings.Cut(inner.intents[len(inner.intents)-1], " ")
		if action != two[0].Action || !strings.Contains(intent, two[0].Request) {
			t.Errorf("%s found this intent on the disk: %s", c.method, intent)
		}
	}
}

// fullDisk takes nothing, or does not keep what it takes.
type fullDisk struct{ write, sync error }

func (d fullDisk) Write(b []byte) (int, error) {
	if d.write != nil {
		return 0, d.write
	}
	return len(b), nil
}

func (d fullDisk) Sync() error { return d.sync }

func TestWithoutAnIntentNothingIsTouched(t *testing.T) {
	full := errors.New("no space left on device")
	for name, disk := range map[string]fullDisk{"a write fails": {write: full}, "a sync fails": {sync: full}} {
		dir := t.TempDir()
		db, err := sqlstore.Open(t.Context(), sqlstore.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		raw := db.Namespace("default")
		for range 2 {
			if _, err := raw.Put(t.Context(), "variable//key", &store.Secret{Payload: []byte("old")}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := raw.Hide(t.Context(), "variable//key", "cli", 1); err != nil {
			t.Fatal(err)
		}
		before := servertest.Dump(t, dir)
		s := journal.New(raw, journal.Options{Changes: audit.New(disk)})
		for _, c := range changes() {
			err := c.do(t.Context(), s, "variable//key")
			if store.CodeOf(err) != store.Unavailable || !strings.Contains(err.Error(), "nothing was changed") || audit.Made(err) {
				t.Errorf("%s, %s: %v, want Unavailable and that nothing was changed", name, c.method, err)
			}
		}
		if after := servertest.Dump(t, dir); after != before {
			t.Errorf("%s: the database was\n%s\nand is\n%s", name, before, after)
		}
		// The same changes are some that can be made.
		for _, c := range changes() {
			before := servertest.Dump(t, dir)
			if err := c.do(t.Context(), journal.New(raw, journal.Options{Changes: audit.New(&bytes.Buffer{})}), "variable//key"); err != nil {
				t.Errorf("%s: %v", c.method, err)
			}
			if servertest.Dump(t, dir) == before {
				t.Errorf("%s changes nothing in this test", c.method)
			}
		}
	}
}

// lateFull has room for so many lines.
type lateFull struct{ room int }

func (d *lateFull) Write(b []byte) (int, error) {
	if d.room--; d.room < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(b), nil
}

func TestAChangeWhoseOutcomeIsNotWrittenSaysSo(t *testing.T) {
	inner := memstore.New("memory")
	s := journal.New(inner, journal.Options{Changes: audit.New(&lateFull{1})})
	_, err := s.Put(t.Context(), "x", &store.Secret{Payload: []byte("v")}, nil)
	if store.CodeOf(err) != store.Unavailable || !audit.Made(err) || !strings.Contains(err.Error(), "the change was made") {
		t.Errorf("Put = %v, want that the change was made", err)
	}
	if got, err := inner.Get(t.Context(), "x"); err != nil || string(got.Payload) != "v" {
		t.Errorf("the store has %v, %v", got, err)
	}
	s = journal.New(inner, journal.Options{Changes: audit.New(&lateFull{1})})
	if err := s.Delete(t.Context(), "nothing"); err == nil || audit.Made(err) {
		t.Errorf("Delete of nothing = %v, want an error that does not speak of a change", err)
	}
}

func TestNothingIsReadWithoutItsLine(t *testing.T) {
	inner := memstore.New("memory")
	if _, err := inner.Put(t.Context(), "x", &store.Secret{Payload: []byte("v")}, nil); err != nil {
		t.Fatal(err)
	}
	log := audit.New(fullDisk{write: errors.New("no space left on device")})
	s := journal.New(inner, journal.Options{Changes: log, Reads: log})
	got, err := s.Get(t.Context(), "x")
	if got != nil || store.CodeOf(err) != store.Unavailable {
		t.Errorf("Get = %v, %v", got, err)
	}
	old, err := s.GetVersion(t.Context(), "x", 1)
	if old != nil || store.CodeOf(err) != store.Unavailable {
		t.Errorf("GetVersion = %v, %v", old, err)
	}
	r, err := s.Record(t.Context(), "x")
	if r != nil || store.CodeOf(err) != store.Unavailable {
		t.Errorf("Record = %v, %v", r, err)
	}
	names, err := s.List(t.Context(), "")
	if names != nil || store.CodeOf(err) != store.Unavailable {
		t.Errorf("List = %v, %v", names, err)
	}
}

func TestLinesAreInTheWordsOfTheGate(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name string
		do   func(s *journal.Store) error
		want line
	}{
		{"get", func(s *journal.Store) error { _, err := s.Get(ctx, "variable//etl/key"); return err },
			line{Action: "read", Kind: "variable", Name: "etl/key", Outcome: "missing"}},
		{"get of a team", func(s *journal.Store) error { _, err := s.Get(ctx, "connection/team%2Fa/db"); return err },
			line{Action: "read", Kind: "connection", Team: "team/a", Name: "db", Outcome: "missing"}},
		{"put", func(s *journal.Store) error {
			_, err := s.Put(ctx, "plain/vault/secret/a", &store.Secret{}, nil)
			return err
		},
			line{Action: "write", Kind: "plain", Name: "vault/secret/a", Outcome: "written"}},
		{"lost put", func(s *journal.Store) error {
			one := int64(1)
			_, err := s.Put(ctx, "config//smtp", &store.Secret{}, &store.PutOptions{IfVersion: &one})
			return err
		}, line{Action: "write", Kind: "config", Name: "smtp", Outcome: "conflict"}},
		{"set-attributes", func(s *journal.Store) error { return s.SetAttributes(ctx, "odd", "cli", nil) },
			line{Action: "annotate", Kind: "plain", Name: "odd", Outcome: "annotated"}},
		{"list", func(s *journal.Store) error { _, err := s.List(ctx, "variable/"); return err },
			line{Action: "list", Kind: "variable", Name: "variable/", Outcome: "listed"}},
		{"list of all", func(s *journal.Store) error { _, err := s.List(ctx, ""); return err }, line{Action: "list", Outcome: "listed"}},
	} {
		var out bytes.Buffer
		log := audit.New(&out)
		_ = c.do(journal.New(memstore.New("memory"), journal.Options{Changes: log, Reads: log, Principal: "p", Protocol: "cli"}))
		all := parse(t, out.String())
		got := all[len(all)-1]
		got.Request, c.want.Principal, c.want.Protocol = "", "p", "cli"
		if got != c.want {
			t.Errorf("%s: got\n%+v, want\n%+v", c.name, got, c.want)
		}
	}
	var out bytes.Buffer
	clients := journal.New(memstore.New("memory"), journal.Options{Changes: audit.New(&out), Clients: true})
	_ = clients.Delete(ctx, "client/airflow")
	if got := parse(t, out.String())[1]; got.Kind != "client" || got.Name != "airflow" || got.Outcome != "missing" {
		t.Errorf("the line of a client is %+v", got)
	}
}
