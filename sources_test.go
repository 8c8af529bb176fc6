package airlock_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// shelf is a table of classes whose kwargs are what their backend holds. A
// null is a name that cannot be read; a class called Bad is never constructed.
func shelf() stores.Table {
	return stores.Table{
		{Class: "shelf.Good", New: func(kwargs *pyjson.Object, _ stores.Env) (*stores.Backend, error) {
			s := &partly{Store: memstore.New("shelf"), down: map[string]bool{}}
			for _, name := range kwargs.Keys() {
				v, _ := kwargs.Get(name)
				text, ok := v.(string)
				s.down[name] = !ok
				if _, err := s.Put(context.Background(), name, &store.Secret{Payload: []byte(text)}, nil); err != nil {
					return nil, err
				}
			}
			return &stores.Backend{Store: s, Dialect: dialect.Native{}}, nil
		}},
		{Class: "shelf.Bad", New: func(*pyjson.Object, stores.Env) (*stores.Backend, error) {
			return nil, &airflow.Error{Type: "ValueError", Message: "no such shelf"}
		}},
	}
}

// partly is a store of which some names cannot be read.
type partly struct {
	*memstore.Store
	down map[string]bool
}

func (p *partly) Get(ctx context.Context, name string) (*store.Secret, error) {
	if p.down[name] {
		return nil, &store.Error{Op: "get", Name: name, Code: store.Unavailable}
	}
	return p.Store.Get(ctx, name)
}

func given(t *testing.T, class, kwargs string) settings.Backend {
	t.Helper()
	v, err := pyjson.Decode(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	return settings.Backend{Section: "secrets", Class: class, Kwargs: v.(*pyjson.Object),
		ClassOrigin: settings.Origin{Place: settings.AirlockFile, File: "airlock.yaml", Line: 3, Name: "sources[0]"}}
}

// TestSeveralBackendsInOrder: the rules between Airflow's layers are those
// between several backends.
func TestSeveralBackendsInOrder(t *testing.T) {
	own := memstore.New("own")
	if _, err := own.Put(t.Context(), "variable//kept", &store.Secret{Payload: []byte("own")}, nil); err != nil {
		t.Fatal(err)
	}
	o := project(t, nil, "AIRFLOW_VAR_LAST=env", "AIRFLOW__SECRETS__BACKEND=no.such.Class",
		"AIRFLOW__WORKERS__SECRETS_BACKEND=no.such.Class", "AIRFLOW__SECRETS__BACKEND_KWARG__X=1")
	o.Backends = shelf()
	o.Embedded = func(context.Context) (store.Store, error) { return own, nil }
	o.Sources = []settings.Backend{
		given(t, "shelf.Good", `{"variable//both": "first", "variable//empty": "", "variable//down": null, "connection//half": "x://u:p/w@h:y/",
			"connection//blank": "", "config//stop": null}`),
		given(t, "shelf.Good", `{"variable//both": "second", "variable//empty": "full", "variable//down": "up", "connection//half": "mysql://h/",
			"connection//blank": "mysql://b/", "config//stop": "never", "config//later": "v", "variable//none": null}`),
	}
	for _, reading := range []airflow.Reading{airflow.SDK, airflow.ORM} {
		o.Reading = reading
		r := open(t, o)
		for _, c := range []struct {
			kind    airflow.Kind
			id      string
			want    string
			winner  int
			outcome airlock.Outcome
		}{
			{airflow.KindVariable, "both", "first", 0, airlock.Found},
			{airflow.KindVariable, "empty", "", 0, airlock.Found},
			{airflow.KindVariable, "down", "up", 1, airlock.Found},
			{airflow.KindVariable, "kept", "own", 2, airlock.Found},
			{airflow.KindVariable, "last", "env", 3, airlock.Found},
			{airflow.KindVariable, "none", "", -1, airlock.Unavailable},
			{airflow.KindVariable, "nothing", "", -1, airlock.Missing},
			{airflow.KindConnection, "half", "mysql://h/", 1, airlock.Found},
			{airflow.KindConnection, "blank", "mysql://b/", 1, airlock.Found},
			{airflow.KindConfig, "later", "v", 1, airlock.Found},
			{airflow.KindConfig, "stop", "", -1, airlock.Unavailable},
		} {
			res, err := lookup(r, c.kind, c.id)
			if res.Winner != c.winner || res.Outcome != c.outcome || res.Value.Data != nil && res.Value.Text() != c.want {
				t.Errorf("%v: %s %q: winner %d, %s, %v; want %d, %s", reading, c.kind, c.id, res.Winner, res.Outcome, err, c.winner, c.outcome)
			}
			if at := res.Attempts[0].Setting; at != "sources[0] in airlock.yaml:3" {
				t.Errorf("the first source is set in %q", at)
			}
		}
	}
}

// TestOptionsAskTheBackendsInOrder is _SECRET over several backends.
func TestOptionsAskTheBackendsInOrder(t *testing.T) {
	o := project(t, nil, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=conn")
	o.Backends = shelf()
	o.Sources = []settings.Backend{given(t, "shelf.Good", `{}`), given(t, "shelf.Good", `{"config//conn": "what://"}`)}
	metadata := func() airlock.Source { r := open(t, o); return r.Sources[len(r.Sources)-1] }
	if src := metadata(); !strings.Contains(src.Setting, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET") {
		t.Errorf("the option is not read from the second backend: %q, %v", src.Setting, src.Err)
	}
	o.Sources[0] = given(t, "shelf.Good", `{"config//conn": null}`)
	if src := metadata(); store.CodeOf(src.Err) != store.Unavailable {
		t.Errorf("the first backend's failure is not the answer: %v", src.Err)
	}
}

// TestABackendThatCannotBeConstructedStopsAll: Airflow would not start with it.
func TestABackendThatCannotBeConstructedStopsAll(t *testing.T) {
	o := project(t, nil)
	o.Backends = shelf()
	o.Sources = []settings.Backend{given(t, "shelf.Good", `{"variable//a": "x"}`), given(t, "shelf.Bad", `{}`)}
	res, err := lookup(open(t, o), airflow.KindVariable, "a")
	var failed *airlock.LookupError
	if res.Winner >= 0 || !errors.As(err, &failed) || !failed.NotStarted || !strings.Contains(err.Error(), "no such shelf") {
		t.Errorf("look-up gave %v, %v", res.Outcome, err)
	}
}

// TestSettingNamesWhatSetsSingleKwargs, also for a worker's own backend.
func TestSettingNamesWhatSetsSingleKwargs(t *testing.T) {
	for section, want := range map[string]string{
		"SECRETS__": "AIRFLOW__SECRETS__BACKEND in .env:1, kwargs changed by AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN in .env:2, " +
			"AIRFLOW__SECRETS__BACKEND_KWARG__URL in process environment",
		"WORKERS__SECRETS_": "AIRFLOW__WORKERS__SECRETS_BACKEND in .env:1, kwargs changed by AIRFLOW__WORKERS__SECRETS_BACKEND_KWARG__TOKEN in .env:2, " +
			"AIRFLOW__WORKERS__SECRETS_BACKEND_KWARG__URL in process environment",
	} {
		name := "AIRFLOW__" + section + "BACKEND"
		o := project(t, map[string]string{".env": name + "=" + vaultClass + "\n" + name + "_KWARG__TOKEN=x\n"}, name+"_KWARG__URL=http://127.0.0.1:1")
		if src := open(t, o).Sources[0]; src.Setting != want || src.Err != nil {
			t.Errorf("it is set in %q, want %q: %v", src.Setting, want, src.Err)
		}
	}
}

// TestAnEmptyListOfBackendsIsNone: the pair of the settings does not count.
func TestAnEmptyListOfBackendsIsNone(t *testing.T) {
	o := project(t, nil, "AIRFLOW__SECRETS__BACKEND=no.such.Class")
	o.Sources = []settings.Backend{}
	r := open(t, o)
	if r.Sources[0].Skip == "" || len(r.Sources) != 3 {
		t.Errorf("sources are %+v", r.Sources)
	}
	o.Embedded = func(context.Context) (store.Store, error) { return memstore.New("own"), nil }
	r = open(t, o)
	classes := []string{r.Sources[0].Class, r.Sources[1].Class}
	if !slices.Equal(classes, []string{airlock.ClassEmbedded, airlock.ClassEnvironment}) {
		t.Errorf("sources are %v", classes)
	}
}

// TestGivenBackendsAreClosedWhereTheEmbeddedStoreFails leaves nothing open.
func TestGivenBackendsAreClosedWhereTheEmbeddedStoreFails(t *testing.T) {
	closed := 0
	o := project(t, nil)
	o.Backends = stores.Table{{Class: "shelf.Good", New: func(*pyjson.Object, stores.Env) (*stores.Backend, error) {
		return &stores.Backend{Store: &counted{Store: memstore.New("x"), closed: &closed}, Dialect: dialect.Native{}}, nil
	}}}
	o.Sources = []settings.Backend{given(t, "shelf.Good", `{}`), given(t, "shelf.Good", `{}`)}
	down := errors.New("down")
	o.Embedded = func(context.Context) (store.Store, error) { return nil, down }
	if _, err := airlock.FromEnvironment(t.Context(), o); !errors.Is(err, down) || closed != 2 {
		t.Errorf("FromEnvironment = %v with %d stores closed", err, closed)
	}
}

type counted struct {
	*memstore.Store
	closed *int
}

func (c *counted) Close() error { *c.closed++; return c.Store.Close() }
