package render_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/render"
)

// TestReadAsProject reads the files back as the project of a person who keeps
// them.
func TestReadAsProject(t *testing.T) {
	items := odd(60)
	kwargs := pyjson.NewObject()
	kwargs.Set("connections_prefix", "airflow/connections")
	o := &render.Options{Backend: &render.Backend{Class: "a.B", Kwargs: kwargs}}
	for format, path := range map[string]string{"env": ".env", "helm": "values.yaml", "remote-execution": "values.yaml"} {
		dir := t.TempDir()
		for _, f := range write(t, format, items, o).Files {
			if err := os.WriteFile(filepath.Join(dir, f.Path), []byte(f.Text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if format == "env" {
			if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM quay.io/astronomer/astro-runtime:13.0.0\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, err := project.Read(t.Context(), project.Options{Path: dir})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Environments) == 0 {
			t.Fatalf("%s: no environment is found", format)
		}
		for _, problem := range p.Problems {
			t.Errorf("%s: %s: %s", format, problem.Span.Path(), problem.Text)
		}
		compareProject(t, format, path, p.Environments[0], items)
	}
}

func compareProject(t *testing.T, format, path string, e *project.Environment, items []render.Item) {
	t.Helper()
	for _, i := range items {
		s := e.Lookup(i.Name)
		switch {
		case s == nil:
			t.Errorf("%s: %s is not found", format, i.Name)
		case s.Known && heldBy(format, i, s.Value) != i.Value:
			t.Errorf("%s: %q is read as %q", format, i.Value, s.Value)
		case format != "env" && i.Secret != s.Secret:
			t.Errorf("%s: %s is secret: %v", format, i.Name, s.Secret)
		case !s.Known && !i.Secret || s.Text.Path() != path && s.Known && !s.Secret:
			t.Errorf("%s: %s is read from %s", format, i.Name, s.Text.Path())
		}
	}
	if s := e.Lookup("AIRFLOW__SECRETS__BACKEND"); format == "remote-execution" && (s == nil || s.Value != "a.B") {
		t.Errorf("%s: the backend is not found", format)
	}
}

// heldBy is what a container gets of a value that the project has.
func heldBy(format string, i render.Item, value string) string {
	if format == "env" || i.Secret {
		return value
	}
	return kubelet(value)
}
