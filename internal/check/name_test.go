package check

import (
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// namingFor is a backend of a service with kwargs.
func namingFor(t *testing.T, service, kwargs string) *naming {
	t.Helper()
	v, err := pyjson.Decode(kwargs)
	object, ok := v.(*pyjson.Object)
	if err != nil || !ok {
		t.Fatalf("kwargs of %s: %v", service, err)
	}
	n := namingOf(&Backend{Environment: &project.Environment{}, Section: "secrets", Class: &project.Setting{}, Row: stores.Row{Service: service}, Object: object})
	if n == nil {
		t.Fatalf("%s with %s has no names", service, kwargs)
	}
	return n
}

// TestIntended: which name a writer meant, empty where the backend asks for
// the name or where it is nothing of Airflow's.
func TestIntended(t *testing.T) {
	const vault = `{"mount_point": "airflow"}`
	for _, tt := range []struct{ service, kwargs, name, want string }{
		{"vault", vault, "airflow/variables/x", ""},
		{"vault", vault, "airflow/variables/team/x", ""},
		{"vault", vault, "secret/variables/x", "airflow/variables/x"},
		{"vault", vault, "kv/prod/variables/x", "airflow/variables/x"},
		{"vault", vault, "variables/x", "airflow/variables/x"},
		{"vault", vault, "airflow/data/variables/x", "airflow/variables/x"},
		{"vault", vault, "airflow/variable/x", "airflow/variables/x"},
		{"vault", vault, "airflow/billing/x", ""},
		{"vault", vault, "secret/billing/x", ""},
		{"vault", `{"mount_point": "airflow", "variables_path": ""}`, "secret/billing/x", ""},
		{"vault", `{"mount_point": "kv/airflow"}`, "kv/airflow/variables/x", ""},
		{"vault", `{"mount_point": null}`, "kv/variables/x", ""},
		{"ssm", `{}`, "/airflow/variables/x", ""},
		{"ssm", `{}`, "airflow/variables/x", "/airflow/variables/x"},
		{"ssm", `{"variables_prefix": "airflow/variables"}`, "/airflow/variables/x", ""},
		{"ssm", `{}`, "/airflow/config", ""},
		{"ssm", `{}`, "/airflow/sql_alchemy_conn", ""},
		{"ssm", `{"variables_prefix": "/team/vars"}`, "/airflow/variables/x", "/team/vars/x"},
		{"ssm", `{"variables_prefix": "/team/vars"}`, "/team-vars-x", ""},
		{"secretsmanager", `{}`, "airflow-variables-x", "airflow/variables/x"},
		{"secretsmanager", `{}`, "Airflow/Variables/x", "airflow/variables/x"},
		{"secretsmanager", `{"sep": "-", "variables_prefix": "airflow-variables"}`, "airflow-variables-x", ""},
		{"secretsmanager", `{"variables_prefix": ""}`, "billing", ""},
		{"gcp", `{}`, "airflow_variables_x", "airflow-variables-x"},
		{"gcp", `{}`, "airflow-variables", ""},
		{"gcp", `{"variables_prefix": "prod-vars"}`, "prod-vars-x", ""},
		{"azure", `{}`, "airflow-variables-x", ""},
		{"azure", `{}`, "Airflow-Variables-X", ""},
		{"azure", `{"sep": ""}`, "airflow-variables-x", "airflow-variablesx"},
		{"azure", `{"sep": "", "variables_prefix": "", "connections_prefix": ""}`, "anything", ""},
	} {
		n := namingFor(t, tt.service, tt.kwargs)
		want := ""
		if !n.covers(tt.name) {
			want, _ = n.intended(tt.name)
		}
		if want != tt.want {
			t.Errorf("%s %s: %s was meant for %q, want %q", tt.service, tt.kwargs, tt.name, want, tt.want)
		}
	}
}

// TestNotKnown: names cannot be told where the kwargs cannot, or where a part
// of them has yet to be filled in.
func TestNotKnown(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    Backend
	}{
		{"kept as a secret", Backend{Kwargs: &project.Setting{Known: false}, Object: pyjson.NewObject()}},
		{"prefix to fill in", Backend{Object: kwargsOf("variables_prefix", "<prefix>")}},
		{"prefix of the shell's", Backend{Object: kwargsOf("variables_prefix", "$PREFIX/variables")}},
		{"prefix of a number", Backend{Object: kwargsOf("variables_prefix", int64(3))}},
	} {
		tt.b.Environment, tt.b.Section, tt.b.Row = &project.Environment{}, "secrets", stores.Row{Service: "ssm"}
		if namingOf(&tt.b) != nil {
			t.Errorf("%s: the names are said to be known", tt.name)
		}
	}
}

func kwargsOf(name string, v any) *pyjson.Object {
	o := pyjson.NewObject()
	o.Set(name, v)
	return o
}

func TestFillIn(t *testing.T) {
	for _, name := range []string{"a/b", "airflow/variables/<my-key>", "a-$KEY", "a/${KEY}/$(id)", "a/*", "a/{{ key }}/{id}"} {
		plain, back := fillIn(name)
		if dynamic(plain) || back(plain) != name {
			t.Errorf("fillIn(%q) = %q, and back %q", name, plain, back(plain))
		}
	}
}

func TestSentences(t *testing.T) {
	f := &project.File{Kind: project.Document, Text: "# Title\nOne `a.b c` two. Three\nfour.\n\n```sh\nnot. this\n```\n- item one\n- item. two\n    ```\n    nor. that\n    ```\nend"}
	var got []string
	for _, s := range sentences(f) {
		got = append(got, s.Text())
	}
	want := []string{"# Title\nOne `a.b c` two.", "Three\nfour.", "", "- item one\n", "- item.", "two\n", "end"}
	if len(got) != len(want) {
		t.Fatalf("sentences are %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("sentence %d is %q, want %q", i, got[i], want[i])
		}
	}
}

// FuzzNames: whatever a project calls its secrets and writes in its documents,
// the rules come to an end, and a name that is proposed is one that the backend
// asks for.
func FuzzNames(f *testing.F) {
	f.Add("vault", `{"mount_point": "airflow"}`, "secret/variables/x")
	f.Add("azure", `{"sep": "", "variables_prefix": "K"}`, "kx")
	f.Add("gcp", `{"variables_prefix": ""}`, "<x>-$Y `")
	f.Add("secretsmanager", `{"sep": "ab", "variables_prefix": "a/b"}`, "/airflow/variables/İ")
	f.Fuzz(func(t *testing.T, service, kwargs, name string) {
		v, err := pyjson.Decode(kwargs)
		object, ok := v.(*pyjson.Object)
		if err != nil || !ok {
			return
		}
		n := namingOf(&Backend{Environment: &project.Environment{}, Section: "secrets", Class: &project.Setting{}, Row: stores.Row{Service: service}, Object: object})
		if n == nil {
			return
		}
		plain, back := fillIn(name)
		if want, ok := n.intended(plain); ok && !n.covers(plain) && !n.covers(want) {
			t.Errorf("%s %s: %q is proposed for %q, and the backend does not ask for it either", service, kwargs, back(want), name)
		}
		legalName(service, name)
		_, _ = wrongVaultURL(name)
		file := &project.File{Path: "README.md", Kind: project.Document, Text: name + "\n`" + name + "`. " + kwargs}
		documentTokens(&Subject{Project: &project.Project{Files: []*project.File{file}}})
	})
}
