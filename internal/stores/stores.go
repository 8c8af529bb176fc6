// Package stores is the inventory of secrets backends: one table from the
// dotted path of an Airflow class to what airlock reads it with. It is the
// only package that imports drivers, and adding one is adding a row.
package stores

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/cleanstore"
)

// Env is what a backend takes from its surroundings besides its kwargs.
// Nothing else of the process is read.
type Env struct {
	// Getenv returns a variable of the environment that the settings were
	// read from: VAULT_ADDR, VAULT_TOKEN. Nil knows none.
	Getenv func(name string) (string, bool)
	// Home is the user's home folder, where ~/.vault-token is. Empty means
	// that there is none.
	Home string
	// Dir is where relative paths in kwargs start; empty: the process's folder.
	Dir string
	// MultiTeam is core.multi_team.
	MultiTeam bool
	// Section is the one that names the class, for Airflow's message where
	// that cannot be loaded: "workers" or, also when empty, "secrets".
	Section string
	// Confined bounds what may be used besides the kwargs; nil allows all.
	Confined *route.Confinement
	// Words say whose word the variables and the kwargs are, for programs
	// that they name. The zero value runs none.
	Words program.Words
	// Secrets are what no message may show. Open adds what the kwargs and the
	// environment hold; nil: a Set of the backend's own.
	Secrets *redact.Set
}

// Backend is a secrets backend ready to be asked.
type Backend struct {
	Store   store.Store
	Dialect dialect.Dialect
	// NoTeam is set for a class whose methods take no team_name: Airflow
	// asks it without.
	NoTeam bool
	// Notes are remarks for the person who configured it.
	Notes []string
}

// Constructor builds a backend from its kwargs, which are never nil. It asks
// nothing of the network. An error stands for the exception of the class's
// own constructor, which keeps Airflow from starting.
type Constructor func(kwargs *pyjson.Object, env Env) (*Backend, error)

// Row is one backend class.
type Row struct {
	// Class is its path in Airflow 3.
	Class string
	// Old paths were right in Airflow 1.10 or 2; in 3 nothing is there.
	Old []string
	// Service is what it reads, in one word: "vault", "ssm", "secretsmanager",
	// "gcp", "azure", "localfile". Package is the Python package the class is
	// in, "" for Airflow's own.
	Service, Package string
	// New builds it; nil while this version of airlock does not read it.
	New Constructor
	// Kwargs are the names of all kwargs that something comes of, those of
	// the client behind the class included, sorted. Nil is not known.
	Kwargs []string
	// Notes are remarks on kwargs that Airflow takes and makes nothing of, or
	// less than it seems; nil has none. They repeat no value.
	Notes func(kwargs *pyjson.Object) []string
	// Check says what is wrong with kwargs as the class would, without a look
	// at any file or server; nil checks nothing.
	Check func(kwargs *pyjson.Object, env Env) Verdict
	// Route lists where the backend's requests go: the service, where tokens
	// are had, proxies. It asks nobody, and may read files that kwargs and
	// variables name. Nil: nowhere.
	Route func(kwargs *pyjson.Object, env Env) []route.Point
	// Lacks names the credential that the backend would need and that kwargs
	// and env do not hold: "a token", "AWS keys". It is "" where they hold one
	// of their own. It asks nobody. Nil lacks nothing.
	Lacks func(kwargs *pyjson.Object, env Env) string
}

// Verdict is what Airflow's class makes of its kwargs. The zero value is that
// nothing is wrong with them, as far as that can be seen.
type Verdict struct {
	// Raised is the exception of the constructor, which keeps Airflow from
	// starting.
	Raised error
	// Broken is the exception of every look-up.
	Broken error
}

// constructed is a Check by construction: for drivers whose constructor reads
// no file and asks nobody.
func constructed(open Constructor) func(*pyjson.Object, Env) Verdict {
	return func(kwargs *pyjson.Object, env Env) Verdict {
		b, err := open(kwargs, env)
		if err != nil {
			return Verdict{Raised: err}
		}
		var v Verdict
		if s, ok := b.Store.(interface{ Broken() error }); ok {
			v.Broken = s.Broken()
		}
		_ = b.Store.Close() // nothing was opened
		return v
	}
}

// Table is an inventory. Paths are unique within it.
type Table []Row

// Resolve is what a class path leads to.
type Resolve struct {
	Row Row
	// Note says what Airflow 3 does with the path as written and which to
	// write instead; empty for a path that is right.
	Note string
	// Refused is the error with which Airflow 3 ends on the path; nil for
	// one that it loads.
	Refused *airflow.Error
}

// Find looks a path up, exactly as it is written: Airflow does not trim it.
// A path that the table does not have is an error of code Invalid.
func (t Table) Find(class string) (Resolve, error) { return t.find(class, "") }

func (t Table) find(class, section string) (Resolve, error) {
	for _, row := range t {
		if row.Class == class {
			return Resolve{Row: row}, nil
		}
		if slices.Contains(row.Old, class) {
			refused := t.couldNotLoad(class, section)
			return Resolve{Row: row, Refused: refused, Note: fmt.Sprintf("%s is gone in Airflow 3, which does not start with it (%s: %s): write %s",
				class, refused.Type, refused.Message, row.Class)}, nil
		}
	}
	return Resolve{}, &store.Error{Op: "load the secrets backend", Name: t.Shown(class), Code: store.Invalid,
		Err: t.couldNotLoad(class, section), Hint: t.advice(class)}
}

// Open builds the backend that class names. With exact, an old path fails as
// it does in Airflow 3. A class that airlock knows but does not read yet is
// an error of code Unsupported.
func (t Table) Open(class string, kwargs *pyjson.Object, env Env, exact bool) (*Backend, error) {
	found, err := t.find(class, env.Section)
	if err != nil {
		return nil, err
	}
	if exact && found.Refused != nil {
		return nil, &store.Error{Op: "load the secrets backend", Name: t.Shown(class), Code: store.Invalid,
			Err: found.Refused, Hint: "write " + found.Row.Class}
	}
	if found.Row.New == nil {
		return nil, &store.Error{Op: "load the secrets backend", Name: t.Shown(class), Code: store.Unsupported,
			Err:  errors.New("this version of airlock does not read this backend yet"),
			Hint: "it reads: " + strings.Join(t.readable(), ", ")}
	}
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	env = learn(kwargs, env)
	b, err := found.Row.New(kwargs, env)
	if err != nil {
		return nil, cleanstore.Error(notConstructed(found.Row.Class, err), env.Secrets)
	}
	clean(b, env.Secrets)
	if found.Note != "" {
		b.Notes = append([]string{found.Note}, b.Notes...)
	}
	return b, nil
}

// notConstructed gives an error of a constructor a code, where it is the bare
// exception of Airflow's class.
func notConstructed(class string, err error) error {
	var coded *store.Error
	if errors.As(err, &coded) {
		return err
	}
	return &store.Error{Op: "construct the secrets backend", Name: class, Code: store.Invalid, Err: err,
		Hint: "correct backend_kwargs: Airflow does not start with these"}
}

// couldNotLoad is how getimport() of Airflow's configuration ends.
func (t Table) couldNotLoad(class, section string) *airflow.Error {
	key := "secrets_backend"
	if section != "workers" {
		section, key = "secrets", "backend"
	}
	return airflow.Quoting("AirflowConfigException", fmt.Sprintf("The object could not be loaded. Please check %q key in %q section. Current value: ", key, section)+"\"%s\".",
		t.Shown(class), class)
}

func (t Table) readable() []string {
	var paths []string
	for _, row := range t {
		if row.New != nil {
			paths = append(paths, row.Class)
		}
	}
	return paths
}
