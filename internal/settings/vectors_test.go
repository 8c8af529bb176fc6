package settings

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
)

// configInput is what a case of the group config sets up.
type configInput struct {
	Context string            `json:"context"`
	Env     map[string]string `json:"env"`
	Cfg     *string           `json:"cfg"`
	Store   struct {
		InitRaise bool `json:"init_raise"`
		// Variables and connections play no part in options.
		Variables   json.RawMessage `json:"variables"`
		Connections json.RawMessage `json:"connections"`
		Config      map[string]struct {
			V     *string `json:"v"`
			Raise string  `json:"raise"`
		} `json:"config"`
	} `json:"store"`
	Ops []configOp `json:"ops"`
	// Neither the database nor the Execution API is asked for options.
	DB  json.RawMessage `json:"db"`
	API json.RawMessage `json:"api"`
}

type configOp struct {
	Op       string  `json:"op"`
	Section  string  `json:"section"`
	Key      string  `json:"key"`
	Which    string  `json:"which"`
	Fallback *string `json:"fallback"`
}

type configExpect struct {
	Results []struct {
		Value any     `json:"value"`
		Error *raised `json:"error"`
	} `json:"results"`
	StoreCalls  [][]string        `json:"store_calls"`
	Constructed []json.RawMessage `json:"backend_constructed_with"`
	ImportError *raised           `json:"import_error"`
	Startup     []string          `json:"startup_log_lines"`
}

type raised struct {
	Type    string `json:"type"`
	Module  string `json:"module"`
	Message string `json:"message"`
}

// TestVectorsPrecedenceConfig runs the cases about configuration options. The
// backend of the cases is played by a map; how it is chosen, and what it is
// constructed with, is ours.
func TestVectorsPrecedenceConfig(t *testing.T) {
	skip := func(_ *testing.T, c vectors.Case) string {
		if group := vectorGroup(c.Name); group != "config" {
			return "group " + group + " is run elsewhere"
		}
		return ""
	}
	vectors.Run(t, vectors.Precedence, skip, runConfigCase)
}

// vectorGroup is the second part of "server/config/name".
func vectorGroup(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) < 3 {
		return name
	}
	return parts[1]
}

func runConfigCase(t *testing.T, c vectors.Case) {
	var in configInput
	var want configExpect
	strict(t, c.Input, &in)
	strict(t, c.Expect, &want)
	run := configRun{in: in, reading: airflow.SDK}
	if in.Context == "server" {
		run.reading = airflow.ORM
	}
	run.load(t)
	b, err := run.s.Backend(context.Background(), run.reading)
	if err == nil && b != nil && in.Store.InitRaise {
		err = &Error{Type: "RuntimeError", Message: "fake init failure"}
	}
	if err != nil || want.ImportError != nil {
		compareError(t, "building the backend", err, want.ImportError)
		return
	}
	if b != nil {
		compareKwargs(t, b.Kwargs, want.Constructed)
	}
	if got := warnings(b); !slices.Equal(got, want.Startup) {
		t.Errorf("warnings %q, want %q", got, want.Startup)
	}
	if len(in.Ops) != len(want.Results) {
		t.Fatalf("%d operations, %d results", len(in.Ops), len(want.Results))
	}
	for i, op := range in.Ops {
		got, err := run.do(t, op)
		if err != nil || want.Results[i].Error != nil {
			compareError(t, op.Op, err, want.Results[i].Error)
		} else if !reflect.DeepEqual(got, want.Results[i].Value) {
			t.Errorf("%s = %q, want %q", op.Op, got, want.Results[i].Value)
		}
	}
	// Airflow asks once more for each name while it starts, to mask the value.
	if got, want := distinct(run.calls), distinct(want.StoreCalls); !slices.Equal(got, want) {
		t.Errorf("the backend was asked %v, want %v", got, want)
	}
}

func warnings(b *Backend) []string {
	if b == nil || b.Warning == nil {
		return nil
	}
	return []string{b.Warning.Text}
}

func strict(t *testing.T, b []byte, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("a member of the case is not understood: %v", err)
	}
}

type configRun struct {
	in      configInput
	reading airflow.Reading
	s       *Settings
	calls   [][]string
}

func (r *configRun) load(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	if r.in.Cfg != nil {
		if err := os.WriteFile(filepath.Join(home, "airflow.cfg"), []byte(*r.in.Cfg), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"PATH=" + os.Getenv("PATH"), "AIRFLOW_HOME=" + home}
	for name, value := range r.in.Env {
		environ = append(environ, name+"="+value)
	}
	s, err := Load(context.Background(), Options{Dir: t.TempDir(), Environ: environ, Secret: r.secret})
	if err != nil {
		t.Fatal(err)
	}
	r.s = s
}

// secret asks the backend that is configured, as airlock's resolver does.
func (r *configRun) secret(ctx context.Context, name string) (string, bool, error) {
	b, err := r.s.Backend(ctx, r.reading)
	if err != nil || b == nil {
		return "", false, err
	}
	r.calls = append(r.calls, []string{"config", name})
	answer, ok := r.in.Store.Config[name]
	switch {
	case answer.Raise != "":
		return "", false, errors.New("fake " + answer.Raise)
	case !ok || answer.V == nil:
		return "", false, nil
	}
	return *answer.V, true, nil
}

func (r *configRun) do(t *testing.T, op configOp) (any, error) {
	ctx := context.Background()
	switch op.Op {
	case "conf_get":
		o, err := r.s.Option(ctx, op.Section, op.Key)
		if store.CodeOf(err) == store.NotFound && op.Fallback != nil {
			return *op.Fallback, nil
		}
		return o.Value, err
	case "backends":
		var chain []any
		b, err := r.s.Backend(ctx, r.reading)
		if b != nil {
			chain = append(chain, b.Class[strings.LastIndexByte(b.Class, '.')+1:])
		}
		chain = append(chain, "EnvironmentVariablesBackend")
		if r.reading == airflow.ORM {
			chain = append(chain, "MetastoreBackend")
		}
		return chain, err
	}
	t.Fatalf("operation %q is not understood", op.Op)
	return nil, nil
}

func compareError(t *testing.T, what string, err error, want *raised) {
	t.Helper()
	var e *Error
	switch {
	case want == nil:
		t.Errorf("%s: %v", what, err)
	case !errors.As(err, &e):
		t.Errorf("%s: %v, want %s: %s", what, err, want.Type, want.Message)
	case e.Type != want.Type || e.Original() != want.Message:
		t.Errorf("%s: %s: %s, want %s: %s", what, e.Type, e.Original(), want.Type, want.Message)
	}
}

func compareKwargs(t *testing.T, got *pyjson.Object, want []json.RawMessage) {
	t.Helper()
	if len(want) == 0 {
		t.Fatalf("a backend, where the case has none")
	}
	last, err := pyjson.Decode(string(want[len(want)-1]))
	if err != nil {
		t.Fatal(err)
	}
	if pyjson.Encode(got) != pyjson.Encode(last) {
		t.Errorf("kwargs %s, want %s", pyjson.Encode(got), pyjson.Encode(last))
	}
}

func distinct(calls [][]string) []string {
	var names []string
	for _, c := range calls {
		if name := strings.Join(c, " "); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
