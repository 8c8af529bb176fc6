package render_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	kubernetes "sigs.k8s.io/yaml"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/render"
)

// secretOf reads a Kubernetes Secret as kubectl does, refusing what it would.
func secretOf(t *testing.T, text string) (name string, data map[string]string) {
	t.Helper()
	var s struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   map[string]string `json:"metadata"`
		Type       string            `json:"type"`
		StringData map[string]string `json:"stringData"`
	}
	if err := kubernetes.UnmarshalStrict([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if s.APIVersion != "v1" || s.Kind != "Secret" || s.Type != "Opaque" {
		t.Errorf("%s %s of type %s", s.APIVersion, s.Kind, s.Type)
	}
	return s.Metadata["name"], s.StringData
}

// variable is an env entry of a container.
type variable struct {
	Name      string  `json:"name"`
	Value     *string `json:"value"`
	ValueFrom *struct {
		SecretKeyRef struct{ Name, Key string } `json:"secretKeyRef"`
	} `json:"valueFrom"`
}

// odd are items with every odd value.
func odd(n int) []render.Item {
	var items []render.Item
	for i, value := range values(n) {
		items = append(items, render.Item{Name: fmt.Sprintf("AIRFLOW_VAR_V%d", i), Value: value, Secret: i%2 == 0,
			Kind: airflow.KindVariable, ID: fmt.Sprintf("v%d", i)})
	}
	return items
}

func write(t *testing.T, format string, items []render.Item, o *render.Options) *render.Output {
	t.Helper()
	f, ok := render.Find(format)
	if !ok {
		t.Fatalf("there is no format %s", format)
	}
	out, err := f.Write(items, o)
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	for _, file := range out.Files {
		if file.Mode != 0o600 && (file.Mode != 0o700 || !strings.HasSuffix(file.Path, ".sh")) {
			t.Errorf("%s: %s has mode %o", format, file.Path, file.Mode)
		}
		if !slices.ContainsFunc(f.Files, func(name string) bool {
			return name == file.Path || strings.HasSuffix(name, "/NAME") && filepath.Dir(name) == filepath.Dir(file.Path)
		}) {
			t.Errorf("%s writes %s, which it does not announce", format, file.Path)
		}
	}
	return out
}

func file(t *testing.T, out *render.Output, path string) string {
	t.Helper()
	for _, f := range out.Files {
		if f.Path == path {
			return f.Text
		}
	}
	t.Fatalf("no file %s was written", path)
	return ""
}

func TestDotEnvFile(t *testing.T) {
	items := odd(500)
	got, err := dotenv.Parse(strings.NewReader(file(t, write(t, "env", items, nil), ".env")))
	if err != nil || len(got) != len(items) {
		t.Fatalf("%d of %d, %v", len(got), len(items), err)
	}
	for _, i := range items {
		if got[i.Name] != i.Value {
			t.Errorf("compose reads %q as %q", i.Value, got[i.Name])
		}
	}
}

func TestKubernetesSecret(t *testing.T) {
	items := odd(500)
	name, got := secretOf(t, file(t, write(t, "kubernetes", items, &render.Options{Name: "a.b-c", Namespace: "airflow"}), "secret.yaml"))
	if name != "a.b-c" || len(got) != len(items) {
		t.Errorf("%s with %d of %d keys", name, len(got), len(items))
	}
	for _, i := range items {
		if got[i.Name] != i.Value {
			t.Errorf("Kubernetes reads %q as %q", i.Value, got[i.Name])
		}
	}
	f, _ := render.Find("kubernetes")
	for _, name := range []string{"A", "-a", "a b", "a\nb", "a_b"} {
		if _, err := f.Write(nil, &render.Options{Name: name}); err == nil {
			t.Errorf("%q is taken as a name", name)
		}
	}
	large := render.Item{Name: "LARGE", Value: strings.Repeat("x", 1<<20+1)}
	if _, err := f.Write([]render.Item{large}, nil); err == nil {
		t.Error("a Secret of more than 1 MiB is written")
	}
}

// kubelet is what a container gets of a value: $$ is $, and $(NAME) is filled
// in where there is such a variable, which is shown as FILLED here.
func kubelet(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch {
		case strings.HasPrefix(value[i:], "$$"):
			i++
		case strings.HasPrefix(value[i:], "$("):
			b.WriteString("FILLED")
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// TestCharts: a secret is referred to, and stands in the Secret only.
func TestCharts(t *testing.T) {
	items := odd(300)
	for _, format := range []string{"helm", "remote-execution"} {
		out := write(t, format, items, nil)
		var values struct {
			Secret    []struct{ EnvName, SecretName, SecretKey string }
			Env       []variable
			CommonEnv []variable
		}
		if err := kubernetes.UnmarshalStrict([]byte(file(t, out, "values.yaml")), &values); err != nil {
			t.Fatal(err)
		}
		name, data := secretOf(t, file(t, out, "secret.yaml"))
		got := map[string]string{}
		for _, s := range values.Secret {
			if s.SecretName != name {
				t.Errorf("%s refers to %s", format, s.SecretName)
			}
			got[s.EnvName] = data[s.SecretKey]
		}
		for _, v := range slices.Concat(values.Env, values.CommonEnv) {
			switch {
			case v.Value != nil:
				got[v.Name] = kubelet(*v.Value)
			case v.ValueFrom.SecretKeyRef.Name == name:
				got[v.Name] = data[v.ValueFrom.SecretKeyRef.Key]
			}
		}
		for _, i := range items {
			if got[i.Name] != i.Value {
				t.Errorf("%s: %q becomes %q", format, i.Value, got[i.Name])
			}
			if _, kept := data[i.Name]; kept != i.Secret {
				t.Errorf("%s: %s is in the Secret: %v", format, i.Name, kept)
			}
		}
	}
}

func TestRemoteExecution(t *testing.T) {
	kwargs := func(text string) *pyjson.Object {
		v, err := pyjson.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		return v.(*pyjson.Object)
	}
	plain := write(t, "remote-execution", nil, &render.Options{Identity: "arn:aws:iam::123456789012:role/agents", Namespace: "agents",
		Backend: &render.Backend{Class: "a.B", Kwargs: kwargs(`{"connections_prefix": "airflow/connections", "use_team_secrets_path": false, "gcp_key_path": "/key", "token": null}`)}})
	const want = `# For the chart of Astro's Remote Execution Agents: merge it into the values.yaml
# that the Astro UI gives you under Register Agents.
secretBackend: a.B
commonEnv:
  - name: AIRFLOW__SECRETS__BACKEND_KWARGS
    value: '{"connections_prefix": "airflow/connections", "use_team_secrets_path": false, "gcp_key_path": "/key", "token": null}'
# The annotation that the agents' service accounts need, for workload identity:
#   eks.amazonaws.com/role-arn: 'arn:aws:iam::123456789012:role/agents'
# Without a place for it in the chart's values:
#   kubectl annotate serviceaccount --namespace agents --all eks.amazonaws.com/role-arn=arn:aws:iam::123456789012:role/agents
`
	if got := file(t, plain, "values.yaml"); got != want || len(plain.Files) != 1 {
		t.Errorf("%d files, values.yaml:\n%s", len(plain.Files), got)
	}
	secret := write(t, "remote-execution", nil, &render.Options{Backend: &render.Backend{Class: "a.B", Kwargs: kwargs(`{"secret_id": "CANARY-s"}`)}})
	if strings.Contains(file(t, secret, "values.yaml"), "CANARY-") {
		t.Error("values.yaml holds a credential")
	}
	if _, data := secretOf(t, file(t, secret, "secret.yaml")); data["AIRFLOW__SECRETS__BACKEND_KWARGS"] != `{"secret_id": "CANARY-s"}` {
		t.Error("the kwargs are not in the Secret")
	}
	for identity, key := range map[string]string{
		"agents@project.iam.gserviceaccount.com": "iam.gke.io/gcp-service-account",
		"00000000-0000-0000-0000-00000000000a":   "azure.workload.identity/client-id",
	} {
		out := write(t, "remote-execution", nil, &render.Options{Identity: identity})
		if !strings.Contains(file(t, out, "values.yaml"), key+": ") {
			t.Errorf("%s is not annotated with %s", identity, key)
		}
	}
	f, _ := render.Find("remote-execution")
	if _, err := f.Write(nil, &render.Options{Identity: "me; rm -rf /"}); err == nil {
		t.Error("any identity is taken")
	}
}

// TestAstroSettings reads the file and makes of it the commands that the astro
// CLI hands to bash, to see which words Airflow's command line gets.
func TestAstroSettings(t *testing.T) {
	uri := func(id, text string) render.Item {
		return render.Item{Name: airflow.ConnectionEnv(id), Value: text, Secret: true, Kind: airflow.KindConnection, ID: id}
	}
	items := []render.Item{
		{Name: "AIRFLOW_VAR_A", Value: "plain $HOME \"x\"\nline", Kind: airflow.KindVariable, ID: "a", Secret: true},
		uri("fields", `{"conn_type": "http", "host": "h", "login": "l\"l", "password": "p $HOME\\", "port": 80, "extra": {"k": "it's", "n": 1}}`),
		uri("quoted", "postgres://u:it%27s@h/db"),
		{Name: "OTHER", Value: "x"},
	}
	out := write(t, "airflow-settings", items, nil)
	const want = `# Read by astro dev start, and by: astro dev object import
airflow:
  connections:
    - conn_id: fields
      conn_type: http
      conn_host: h
      conn_login: 'l"l'
      conn_password: 'p $HOME\'
      conn_extra: '{"k": "it\u0027s", "n": 1}'
      conn_port: 80
    - conn_id: quoted
      conn_uri: 'postgres://u:it%27s@h/db'
  pools: []
  variables:
    - variable_name: a
      variable_value: "plain $HOME \"x\"\nline"
`
	if got := file(t, out, "airflow_settings.yaml"); got != want {
		t.Errorf("got:\n%s", got)
	}
	if !strings.Contains(strings.Join(out.Notes, "\n"), "OTHER") {
		t.Error("what is left out is not told")
	}
	f, _ := render.Find("airflow-settings")
	for _, value := range []string{"CANARY-'; touch x'", "-CANARY-", ""} {
		_, err := f.Write([]render.Item{{Name: "N", Value: value, Kind: airflow.KindVariable, ID: "n"}}, nil)
		if err == nil || strings.Contains(err.Error(), "CANARY-") {
			t.Error("a value that the astro CLI would garble is not refused, or the error shows it")
		}
	}
}

// loaded is what `astro deployment variable update --load` makes of a file.
func loaded(text string) map[string]string {
	got := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok || value == "" || strings.HasPrefix(line, "#") {
			continue
		}
		got[name] = strings.TrimSpace(strings.Trim(strings.Trim(value, `"`), `'`))
	}
	return got
}

func TestAstro(t *testing.T) {
	items := slices.DeleteFunc(odd(500), func(i render.Item) bool {
		return i.Value == "" || strings.HasSuffix(i.Value, "\n") || strings.HasSuffix(i.Value, "\r")
	})
	out := write(t, "astro", items, nil)
	secret, plain := loaded(file(t, out, "secret.env")), loaded(file(t, out, "plain.env"))
	alone := map[string]string{}
	for _, f := range out.Files {
		if name, ok := strings.CutPrefix(f.Path, "values/"); ok {
			alone[name] = f.Text
		}
	}
	if len(secret)+len(plain)+len(alone) != len(items) {
		t.Errorf("%d, %d and %d variables of %d", len(secret), len(plain), len(alone), len(items))
	}
	for _, i := range items {
		of := plain
		if i.Secret {
			of = secret
		}
		if got, ok := alone[i.Name]; ok && got == i.Value {
			continue
		}
		if of[i.Name] != i.Value {
			t.Errorf("the astro CLI reads %q as %q", i.Value, of[i.Name])
		}
	}
	f, _ := render.Find("astro")
	for _, value := range []string{"", "CANARY-\n"} {
		if _, err := f.Write([]render.Item{{Name: "N", Value: value}}, nil); err == nil || strings.Contains(err.Error(), "CANARY-") {
			t.Errorf("a value that the astro CLI would change is not refused, or shown")
		}
	}
}

func TestGitHub(t *testing.T) {
	items := slices.DeleteFunc(odd(300), func(i render.Item) bool { return i.Value == "" })
	out := write(t, "github", items, nil)
	var steps []struct {
		Name, Run string
		Env       map[string]string
	}
	if err := kubernetes.UnmarshalStrict([]byte(file(t, out, "step.yaml")), &steps); err != nil || len(steps) != 1 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	for _, i := range items {
		switch got := steps[0].Env[i.Name]; {
		case got == "${{ secrets."+i.Name+" }}":
			if kept := file(t, out, "values/"+i.Name); kept != i.Value {
				t.Errorf("the file holds %q for %q", kept, i.Value)
			}
		case i.Secret || got != i.Value || strings.Contains(got, "${{"):
			t.Errorf("%s of %q is %q", i.Name, i.Value, got)
		}
	}
	f, _ := render.Find("github")
	for _, i := range []render.Item{{Name: "GITHUB_X", Value: "v", Secret: true}, {Name: "N", Secret: true}, {Name: "A-B", Value: "v"},
		{Name: "N", Value: strings.Repeat("x", 48<<10+1), Secret: true}} {
		if _, err := f.Write([]render.Item{i}, nil); err == nil {
			t.Errorf("GitHub would refuse %s", i.Name)
		}
	}
}
