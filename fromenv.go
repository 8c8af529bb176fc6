package airlock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// ClassEmbedded stands for airlock's own store where that is the backend. It
// is no class of Airflow's.
const ClassEmbedded = "airlock.EmbeddedStore"

// EnvironmentOptions say where [FromEnvironment] reads. Nil reads the current
// folder and the process environment as a worker's task does.
type EnvironmentOptions struct {
	// Dir is the folder with .env and Dockerfile; empty means the current one.
	Dir string
	// Environ is the process environment as os.Environ gives it; nil means
	// that of this process. An empty slice is an empty environment.
	Environ []string
	// Reading is SDK, a worker's task, or ORM, the scheduler.
	Reading airflow.Reading
	// InServer is for the SDK reading in a process of Airflow's servers
	// (_AIRFLOW_PROCESS_CONTEXT=server): it takes no notice of [workers] and
	// reads the database itself, whose connections stay the ORM's.
	InServer bool
	// Exact refuses where Airflow 3 refuses: old class paths.
	Exact bool
	// NoMetadata leaves the metadata database out, as a process does that is
	// neither a worker's nor a server's.
	NoMetadata bool
	// Offline asks no backend while the layers are built: a metadata database
	// whose settings a backend holds (_SECRET) cannot be had then.
	Offline bool
	// Sources are the secrets backends, in order, in place of the one that the
	// settings name; the embedded store is asked after them. Nil leaves that
	// one; an empty list is none but the embedded store.
	Sources []settings.Backend
	// Embedded opens airlock's own store, which is the backend where none is
	// configured; a nil store without an error means that there is none. A
	// nil func is never called.
	Embedded func(context.Context) (store.Store, error)
	// Trust says which addresses the folder may send the user's credentials
	// to. Nil trusts those that the process environment names too.
	Trust Trust
	// Settings are used in place of reading Dir and Environ; nil in all but
	// programs that have read them already.
	Settings *settings.Settings
	// Backends is the inventory of classes; nil means all that airlock knows.
	Backends stores.Table
}

// FromEnvironment builds the Resolver of what is configured in a folder: the
// process environment, then .env, then the Dockerfile's ENV lines, then
// $AIRFLOW_HOME/airflow.cfg. Close it when done.
//
// A secrets backend that Airflow could not load or construct is no error
// here: the Resolver's source holds it, every look-up fails with it, and
// explain shows it. The error is for settings that cannot be read at all.
//
// In the SDK reading the database stands for the Execution API, which a
// worker's task asks: its rows are read by the ORM's rules and then have the
// fields which that API passes on. A task's team goes to the database only,
// because a worker passes none to its own backends.
func FromEnvironment(ctx context.Context, o *EnvironmentOptions) (*Resolver, error) {
	e := environment{}
	if o != nil {
		e.EnvironmentOptions = *o
	}
	if e.Environ == nil {
		e.Environ = os.Environ()
	}
	if e.Backends == nil {
		e.Backends = stores.Known()
	}
	if e.Settings == nil {
		s, err := settings.Load(ctx, settings.Options{Dir: e.Dir, Environ: e.Environ})
		if err != nil {
			return nil, fmt.Errorf("reading the settings: %w", err)
		}
		e.Settings = s
	}
	e.secrets = redact.New()
	for _, variable := range e.Settings.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		e.secrets.Variable(name, value)
	}
	return e.resolver(ctx)
}

// environment is one call of FromEnvironment.
type environment struct {
	EnvironmentOptions
	multiTeam bool
	// secrets are what no message of any layer may show.
	secrets *redact.Set
	// ownSettings and folderSettings are made by own and folder.
	ownSettings, folderSettings *settings.Settings
}

func (e *environment) resolver(ctx context.Context) (*Resolver, error) {
	var err error
	if e.multiTeam, _, err = e.Settings.Bool(ctx, "core", "multi_team"); err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	r := &Resolver{Reading: e.Reading, SingleTeam: !e.multiTeam, WorkerTeams: e.Reading == airflow.SDK}
	if r.Sources, err = e.backends(ctx); err != nil {
		return nil, err
	}
	r.Sources = append(r.Sources, e.variables())
	if !e.NoMetadata {
		r.Sources = append(r.Sources, e.metadata(ctx))
	}
	return r, nil
}

// backends are the layers of the secrets backends: that of the settings, or
// those that are given and the embedded store.
func (e *environment) backends(ctx context.Context) ([]Source, error) {
	if e.Sources == nil {
		src, err := e.backend(ctx)
		return []Source{src}, err
	}
	list := e.given(ctx)
	own, err := e.embedded(ctx)
	if err != nil {
		return nil, errors.Join(err, (&Resolver{Sources: list}).Close())
	}
	if own.Store != nil || len(list) == 0 {
		list = append(list, own)
	}
	return list, nil
}

// given builds the sources of the backends that are given.
func (e *environment) given(ctx context.Context) []Source {
	list := make([]Source, 0, len(e.Sources)+1)
	for i := range e.Sources {
		list = append(list, e.open(ctx, &e.Sources[i]))
	}
	return list
}

// backend is the layer of the secrets backend that the settings name.
func (e *environment) backend(ctx context.Context) (Source, error) {
	reading := e.Reading
	if e.InServer {
		reading = airflow.ORM
	}
	b, err := e.Settings.Backend(ctx, reading)
	if err != nil {
		return Source{}, fmt.Errorf("reading the settings: %w", err)
	}
	if b == nil {
		return e.embedded(ctx)
	}
	var servers error
	if b.Section == "workers" {
		servers = e.checkServers(ctx)
	}
	src := e.open(ctx, b)
	if servers != nil {
		src.Err, src.Fatal = fmt.Errorf("the [secrets] backend, which a worker loads too: %w", servers), true
	}
	return src, nil
}

// open builds the source of a configured backend.
func (e *environment) open(ctx context.Context, b *settings.Backend) Source {
	src := Source{Layer: LayerBackend, Class: e.Backends.Shown(b.Class), Setting: settingOf(b), Notes: slices.Clone(b.Notes)}
	if b.Warning != nil {
		src.Notes = append(src.Notes, b.Warning.Text, setIn(b.KwargsOrigin)+": "+b.Warning.Hint)
	}
	found, err := e.Backends.Find(b.Class)
	if err == nil {
		src.Class = found.Row.Class
	}
	env, points, err := e.surroundings(ctx, b, &found.Row)
	src.Points = points
	if err != nil {
		src.Err = err
		return src
	}
	opened, err := e.Backends.Open(b.Class, b.Kwargs, env, e.Exact)
	if err != nil {
		src.Err, src.Fatal = err, true
		return src
	}
	src.Store, src.Dialect, src.NoTeam = opened.Store, opened.Dialect, opened.NoTeam
	src.Notes = append(src.Notes, opened.Notes...)
	return src
}

// checkServers says why the [secrets] backend cannot be built: a worker that
// has one of its own constructs that of the servers first, when it imports
// their configuration, and does not start without.
func (e *environment) checkServers(ctx context.Context) error {
	b, err := e.Settings.Backend(ctx, airflow.ORM)
	if err != nil || b == nil {
		return err
	}
	servers := e.open(ctx, b)
	if servers.Store != nil {
		err = servers.Store.Close()
	}
	if store.CodeOf(servers.Err) == store.Unsupported {
		return err // a limit of airlock's: Airflow does start
	}
	return errors.Join(err, servers.Err)
}

// env is what a backend sees of its surroundings.
func (e *environment) env(b *settings.Backend) stores.Env {
	return stores.Env{Getenv: e.getenv, Home: e.Settings.Home(), Dir: e.Settings.Dir(), MultiTeam: e.multiTeam,
		Section: b.Section, Words: e.Settings.Words(b), Secrets: e.secrets}
}

// getenv is a variable of the settings. A proxy that the process names in one
// spelling is not replaced by one that the folder names in the other.
func (e *environment) getenv(name string) (string, bool) {
	if e.Offline && name == "NO_GCE_CHECK" { // Google's backend would ask the metadata server which project it is
		return "true", true
	}
	v, at, ok := e.Settings.Lookup(name)
	if ok && route.IsProxy(name) && e.Settings.OfFolder(at) {
		for _, other := range []string{strings.ToLower(name), strings.ToUpper(name)} {
			if _, at, set := e.Settings.Lookup(other); set && !e.Settings.OfFolder(at) {
				return "", false
			}
		}
	}
	return v, ok
}

// embedded is the layer of airlock's own store, or one that says that there
// is no backend.
func (e *environment) embedded(ctx context.Context) (Source, error) {
	src := Source{Layer: LayerBackend, Skip: "no secrets backend is configured"}
	if e.Embedded == nil {
		return src, nil
	}
	s, err := e.Embedded(ctx)
	if err != nil {
		return src, err
	}
	if s == nil {
		return src, nil
	}
	return Source{Layer: LayerBackend, Class: ClassEmbedded, Store: s, Dialect: dialect.Native{}}, nil
}

// variables is the layer of environment variables.
func (e *environment) variables() Source {
	b := stores.Environment(e.Settings.Environ(), e.multiTeam)
	where := func(name string) string {
		_, origin, ok := e.Settings.Lookup(name)
		if !ok {
			return ""
		}
		return setIn(origin)
	}
	return Source{Layer: LayerEnvironment, Class: ClassEnvironment, Store: b.Store, Dialect: b.Dialect, SetIn: where}
}

// metadata is the layer of the metadata database. Where its settings cannot be
// had (a command that must not run, say), the layer fails, and those above it
// still answer.
func (e *environment) metadata(ctx context.Context) Source {
	src := Source{Layer: LayerMetadata, Class: ClassMetastore}
	if e.Reading == airflow.SDK && !e.InServer {
		src.Class = ClassExecutionAPI
	}
	s := e.Settings.WithSecret(e.secret)
	conn, err := s.Option(ctx, "database", "sql_alchemy_conn")
	if err != nil {
		src.Err = err
		return src
	}
	path := ""
	src.Setting = setIn(conn.Origin)
	if conn.Origin.Place == settings.Default {
		path = filepath.Join(s.AirflowHome(), "airflow.db")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			src.Setting, src.Skip = "", "no metadata database is configured, and there is no "+path
			return src
		}
		src.Setting = "default: " + path
	}
	m, err := e.metadataOptions(ctx, s, stores.MetadataSettings{Conn: conn.Value, Path: path})
	if err == nil {
		err = e.boundMetadata(ctx, conn, &m)
		src.Points = stores.MetadataRoute(m)
	}
	var b *stores.Backend
	if err == nil {
		b, err = stores.Metadata(m)
	}
	if err != nil {
		src.Err = err
		return src
	}
	src.Store, src.Dialect, src.Notes = b.Store, b.Dialect, b.Notes
	return src
}

// metadataOptions reads the other options that have to do with the database;
// one that is not set is empty.
func (e *environment) metadataOptions(
	ctx context.Context, s *settings.Settings, m stores.MetadataSettings,
) (stores.MetadataSettings, error) {
	for _, option := range []struct {
		section, key string
		to           *string
	}{
		{"core", "fernet_key", &m.FernetKey},
		{"database", "sql_alchemy_schema", &m.Schema},
		{"database", "sql_alchemy_connect_args", &m.ConnectArgs},
	} {
		set, err := s.Option(ctx, option.section, option.key)
		if err != nil && store.CodeOf(err) != store.NotFound {
			return m, err
		}
		*option.to = set.Value
	}
	m.Getenv, m.Secrets = e.getenv, e.secrets
	return m, nil
}

// secret answers the _SECRET form of the options above. Airflow constructs a
// backend of its own for each. Backends that are given are asked in order, as
// is the embedded store after them; the first that fails is the answer.
func (e *environment) secret(ctx context.Context, name string) (string, bool, error) {
	if e.Offline {
		return "", false, &store.Error{Op: "look up", Name: name, Code: store.Unsupported, Err: errors.New("it is in a backend, which is not asked now")}
	}
	r := &Resolver{Reading: airflow.ORM}
	if e.Sources != nil {
		var err error
		if r.Sources, err = e.backends(ctx); err != nil {
			return "", false, err
		}
	} else {
		b, err := e.Settings.Backend(ctx, airflow.ORM)
		if err != nil || b == nil {
			return "", false, err
		}
		r.Sources = []Source{e.open(ctx, b)}
	}
	value, ok, err := r.Config(ctx, name)
	return value, ok, errors.Join(err, r.Close())
}

// Config asks the secrets backend for the value of a configuration option
// given by name (`_SECRET`). It reports false where the backend has none.
func (r *Resolver) Config(ctx context.Context, name string) (value string, found bool, err error) {
	res, err := r.Lookup(ctx, airflow.Ref{Kind: airflow.KindConfig, ID: name}, nil)
	var missing *NotFoundError
	switch {
	case errors.As(err, &missing):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	return res.Value.Text(), true, nil
}

// settingOf says where a backend is set, and which variables set single kwargs
// of it over the JSON text.
func settingOf(b *settings.Backend) string {
	at := setIn(b.ClassOrigin)
	for i, o := range b.Overrides {
		word := ", kwargs changed by "
		if i > 0 {
			word = ", "
		}
		at += word + setIn(o)
	}
	return at
}

// setIn says where a setting is, by its name there: "AIRFLOW__SECRETS__BACKEND
// in .env:3".
func setIn(o settings.Origin) string {
	if o.Name == "" {
		return o.String()
	}
	return o.Name + " in " + o.String()
}
