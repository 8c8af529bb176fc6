package airlock_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
)

// caseInput is a case's input; a member that is not here fails the case.
type caseInput struct {
	Context string            `json:"context"`
	Env     map[string]string `json:"env"`
	Store   json.RawMessage   `json:"store"`
	DB      json.RawMessage   `json:"db"`
	API     json.RawMessage   `json:"api"`
	Cfg     *string           `json:"cfg"`
	Ops     []caseOp          `json:"ops"`
}

type caseOp struct {
	Op          string          `json:"op"`
	Key         string          `json:"key"`
	ConnID      string          `json:"conn_id"`
	Team        *string         `json:"team_name"`
	Deserialize bool            `json:"deserialize_json"`
	Default     json.RawMessage `json:"default"`
	DefaultVar  json.RawMessage `json:"default_var"`
	Section     string          `json:"section"`
	Which       string          `json:"which"` // whose parser: airlock has one for both
	Fallback    *string         `json:"fallback"`
}

type caseExpect struct {
	Results     []caseResult      `json:"results"`
	StoreCalls  *[][]string       `json:"store_calls"`
	Constructed []json.RawMessage `json:"backend_constructed_with"`
	APICalls    *[][]string       `json:"execution_api_calls"`
	ImportError *caseError        `json:"import_error"`
	StartupLogs []string          `json:"startup_log_lines"`
}

type caseError struct {
	Type    string `json:"type"`
	Module  string `json:"module"` // a detail of Python's that airlock has no counterpart of
	Message string `json:"message"`
}

type caseResult struct {
	Value      json.RawMessage `json:"value"`
	Connection json.RawMessage `json:"connection"`
	Error      *caseError      `json:"error"`
	Logs       []caseLog       `json:"logs"`
}

type caseLog struct {
	Level   string `json:"level"`
	Logger  string `json:"logger"`
	Message string `json:"message"`
}

// processGroups are about Airflow's own processes, not about a look-up.
var processGroups = []string{"cache", "instance", "set", "api", "backends", "chain"}

// leftOut says why a case does not run: by its group or its backend.
func leftOut(t *testing.T, c vectors.Case) string {
	parts := strings.Split(c.Name, "/")
	if len(parts) < 2 {
		t.Fatalf("the name has no group")
	}
	group := parts[1]
	if slices.Contains(processGroups, group) {
		return "group " + group + " is about Airflow's own processes"
	}
	var in caseInput
	strictly(t, c.Input, &in)
	class := in.Env["AIRFLOW__SECRETS__BACKEND"]
	for _, row := range stores.Known() {
		if row.Class == class && row.New == nil {
			return "backend " + class + " is not read yet"
		}
	}
	return ""
}

// TestVectorsPrecedence runs whole look-ups as real Airflow did.
func TestVectorsPrecedence(t *testing.T) {
	vectors.Run(t, vectors.Precedence, leftOut, func(t *testing.T, c vectors.Case) {
		var in caseInput
		strictly(t, c.Input, &in)
		var want caseExpect
		strictly(t, c.Expect, &want)
		runCase(t, in, want)
	})
}

func runCase(t *testing.T, in caseInput, want caseExpect) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	l := newLab(t, in.Store, cancel)
	o := environmentOf(t, in, l)
	r, err := airlock.FromEnvironment(ctx, o)
	var api *scripted
	if err == nil {
		if in.Context == "worker" {
			var src airlock.Source
			src, api = l.executionAPI(t, in.API)
			r.Sources = append(r.Sources, src)
		}
		if want.ImportError != nil {
			err = loadError(r)
		}
	}
	if want.ImportError != nil || err != nil {
		compareError(t, err, want.ImportError)
		return
	}
	if len(in.Ops) != len(want.Results) {
		t.Fatalf("%d operations with %d results", len(in.Ops), len(want.Results))
	}
	for i, op := range in.Ops {
		if op.Op == "conf_get" {
			runOption(ctx, t, o, r, op, want.Results[i])
			// Airflow asks again each time it masks a sensitive option.
			l.store.calls, want.StoreCalls = slices.Compact(l.store.calls), compacted(want.StoreCalls)
			continue
		}
		runOp(ctx, t, r, op, want.Results[i])
	}
	compareStartup(t, r, want.StartupLogs)
	compareCalls(t, "the backend", l.store, want.StoreCalls)
	if api != nil {
		compareCalls(t, "the Execution API", api, want.APICalls)
	}
	compareConstructed(t, l.constructed, want.Constructed)
}

// environmentOf sets the folder and the environment of a case up.
func environmentOf(t *testing.T, in caseInput, l *lab) *airlock.EnvironmentOptions {
	t.Helper()
	home := t.TempDir()
	o := &airlock.EnvironmentOptions{Dir: t.TempDir(), Exact: true, Backends: l.table(), NoMetadata: true,
		Environ: []string{"HOME=" + home, "AIRFLOW_HOME=" + home, "PATH=" + os.Getenv("PATH")}}
	for name, v := range in.Env {
		o.Environ = append(o.Environ, name+"="+v)
	}
	if in.Cfg != nil {
		if err := os.WriteFile(filepath.Join(home, "airflow.cfg"), []byte(*in.Cfg), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	switch in.Context {
	case "server":
		o.Reading = airflow.ORM
		fallthrough
	case "sdk_server":
		o.NoMetadata, o.InServer = false, in.Context == "sdk_server"
		o.Environ = append(o.Environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///"+metadataDB(t, in.DB))
	case "worker", "sdk_fallback":
	default:
		t.Fatalf("unknown context %q", in.Context)
	}
	return o
}

// loadError is why Airflow cannot load its secrets backends: that of [secrets]
// when it imports its configuration, that of [workers] at the first look-up.
func loadError(r *airlock.Resolver) error {
	for _, s := range r.Sources {
		if s.Fatal {
			return s.Err
		}
	}
	return nil
}

func runOp(ctx context.Context, t *testing.T, r *airlock.Resolver, op caseOp, want caseResult) {
	t.Helper()
	ref := airflow.Ref{Kind: airflow.KindVariable, ID: op.Key}
	switch op.Op {
	case "backends":
		if err := loadError(r); err != nil || want.Error != nil {
			compareError(t, err, want.Error)
			return
		}
		var classes []any
		for _, s := range r.Sources {
			if s.Skip == "" {
				classes = append(classes, airlock.ShortClass(s.Class))
			}
		}
		compareValue(t, classes, want.Value)
		return
	case "var_get", "models_var_get":
	case "conn_get":
		ref = airflow.Ref{Kind: airflow.KindConnection, ID: op.ConnID}
	default:
		t.Fatalf("unknown operation %q", op.Op)
	}
	if op.Team != nil {
		ref.Team = *op.Team
	}
	res, err := r.Lookup(ctx, ref, &airlock.LookupOptions{Deserialize: op.Deserialize})
	compareLogs(t, res, want.Logs)
	byDefault := slices.Concat(op.Default, op.DefaultVar)
	switch {
	case len(byDefault) > 0 && res.Undefined():
		compareValue(t, value(t, json.RawMessage(byDefault)), want.Value)
	case want.Error != nil || err != nil:
		compareError(t, err, want.Error)
	case want.Connection != nil:
		compareConnection(t, res.Connection, want.Connection)
	default:
		compareValue(t, res.Value.Data, want.Value)
	}
}

// runOption resolves a configuration option as airlock's command line does.
func runOption(ctx context.Context, t *testing.T, o *airlock.EnvironmentOptions, r *airlock.Resolver, op caseOp, want caseResult) {
	t.Helper()
	s, err := settings.Load(ctx, settings.Options{Dir: o.Dir, Environ: o.Environ, Secret: r.Config})
	if err != nil {
		t.Fatal(err)
	}
	option, err := s.Option(ctx, op.Section, op.Key)
	switch {
	case errors.Is(err, store.ErrNotFound) && op.Fallback != nil:
		compareValue(t, *op.Fallback, want.Value)
	case want.Error != nil || err != nil:
		compareError(t, err, want.Error)
	default:
		compareValue(t, option.Value, want.Value)
	}
}

func compacted(calls *[][]string) *[][]string {
	if calls == nil {
		return nil
	}
	once := slices.CompactFunc(*calls, slices.Equal[[]string])
	return &once
}
