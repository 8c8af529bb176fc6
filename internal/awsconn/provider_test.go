package awsconn_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/store/secretsmanagerstore"
	"github.com/airlock-secrets/airlock/store/ssmstore"
)

// question is one look-up, asked of the provider's own class and of airlock.
type question struct {
	Config    int     `json:"config"`
	Operation string  `json:"operation"`
	ID        string  `json:"id"`
	Team      *string `json:"team"`
}

// answer is what came of it.
type answer struct {
	Value any    `json:"value"`
	Error string `json:"error"`
}

// config is one configuration of a backend.
type config struct {
	Backend   string         `json:"backend"`
	Kwargs    map[string]any `json:"kwargs"`
	MultiTeam bool           `json:"multi_team"`
}

// oddIDs are ids of all sorts; those with a value in odd values below are
// stored, the others are not there.
func oddIDs() []string {
	return []string{
		"x", "X", "my_key", "my-key", "my.key", "a/b", "a//b", "/a", "a/", "é", "日本", "a b", "a:1", "a--b", "A--x", "B--x", "a%2Fb", "..", "../x", "~",
		strings.Repeat("n", 200), strings.Repeat("n", 900), "smtp_default", "SMTP_2", "x\n", "", "missing", "5", "null", "aws", "a+b", "a=b", "a@b", "a!b", "deleted", "binary",
	}
}

// oddValues are seeded under ids in turn.
var oddValues = []string{
	"v", " v ", "v\n", "5", "null", `"quoted"`, "clé€😀", "t://u:p%40w@h:1/s?a=1&b=x", `{"conn_type": "t", "host": "h", "port": "5"}`,
	`{"user": "u", "pass": "p", "remote_host": "h", "database": "d", "engine": "mysql", "dbname": "lost"}`, `  {"login": null, "user": "second", "extra": {"a": [1, 2.50, 1e400]}}`,
	`{"conn_type": t}`, `{bad`, `{}`, "[1]", "   ", strings.Repeat("long ", 700), `{"host": "a", "host": "b"}`, "a\tb", `{"key": "k", "server": "s", "schema": "a", "database": "b"}`,
}

func configs(url string) []config {
	base := func(more map[string]any) map[string]any {
		kwargs := map[string]any{"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "AK", "aws_secret_access_key": "SK"}
		for k, v := range more {
			kwargs[k] = v
		}
		return kwargs
	}
	var all []config
	for _, backend := range []string{"ssm", "secretsmanager"} {
		all = append(all,
			config{backend, base(nil), false},
			config{backend, base(map[string]any{"connections_prefix": "c//", "variables_prefix": "", "config_prefix": nil}), false},
			config{backend, base(map[string]any{"variables_lookup_pattern": "^(smtp|x|a.?b)", "connections_lookup_pattern": `\w+$`, "extra_conn_words": map[string]any{"host": []string{"dbname"}}}), true},
		)
	}
	return all
}

// TestProvider asks the classes of the installed Amazon provider and airlock
// the same, on the same server.
func TestProvider(t *testing.T) {
	server := mototest.Start(t)
	all := configs(server.URL)
	seed(t, server, all)
	var questions []question
	team := "A"
	for i := range all {
		for n, id := range oddIDs() {
			for _, operation := range []string{"get_conn_value", "get_variable", "get_config"} {
				q := question{Config: i, Operation: operation, ID: id}
				if operation != "get_config" && n%3 == 0 {
					q.Team = &team
				}
				questions = append(questions, q)
			}
		}
	}
	want := askProvider(t, all, questions)
	values := 0
	for i, q := range questions {
		got := askAirlock(t, all[q.Config], q)
		if want[i].Value != nil {
			values++
		}
		if fmt.Sprint(got) != fmt.Sprint(want[i]) {
			t.Errorf("%s %v: %s(%.40q): airlock %.200q, the provider %.200q", all[q.Config].Backend, q.Config, q.Operation, q.ID, fmt.Sprint(got), fmt.Sprint(want[i]))
		}
	}
	if len(questions) < 600 || values < 100 {
		t.Errorf("%d questions, %d with a value: too few", len(questions), values)
	}
	t.Logf("%d questions, %d with a value", len(questions), values)
}

// seed stores a value under two of three names that the configurations lead
// to; what the service does not take stays missing.
func seed(t *testing.T, server *mototest.Server, all []config) {
	t.Helper()
	n, seen := 0, map[string]bool{}
	for _, c := range all {
		d := dialectOf(t, c)
		for _, id := range oddIDs() {
			for _, kind := range airflow.Kinds() {
				for _, ref := range []airflow.Ref{{Kind: kind, ID: id}, {Kind: kind, ID: id, Team: "A"}} {
					for _, name := range d.Names(ref).Names {
						if n++; n%3 == 0 || name == "" || strings.Contains(name, "missing") || seen[c.Backend+name] {
							continue
						}
						seen[c.Backend+name] = true
						put(t, server, c.Backend, name, id, oddValues[n%len(oddValues)])
					}
				}
			}
		}
	}
}

func put(t *testing.T, server *mototest.Server, backend, name, id, value string) {
	t.Helper()
	if backend == "ssm" {
		server.Call(t, "AmazonSSM.PutParameter", map[string]any{"Name": name, "Type": "SecureString", "Value": value})
		return
	}
	in := map[string]any{"Name": name, "SecretString": value}
	if id == "binary" {
		in = map[string]any{"Name": name, "SecretBinary": base64.StdEncoding.EncodeToString([]byte(value))}
	}
	server.Call(t, "secretsmanager.CreateSecret", in)
	if id == "deleted" {
		server.Call(t, "secretsmanager.DeleteSecret", map[string]any{"SecretId": name})
	}
}

func kwargsOf(t *testing.T, c config) *pyjson.Object {
	t.Helper()
	text, err := json.Marshal(c.Kwargs)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pyjson.Decode(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*pyjson.Object)
}

func dialectOf(t *testing.T, c config) dialect.Dialect {
	t.Helper()
	if c.Backend == "ssm" {
		d, err := dialect.SSMFromKwargs(kwargsOf(t, c), c.MultiTeam)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d, err := dialect.SecretsManagerFromKwargs(kwargsOf(t, c), c.MultiTeam)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func askAirlock(t *testing.T, c config, q question) answer {
	t.Helper()
	kind := map[string]airflow.Kind{"get_conn_value": airflow.KindConnection, "get_variable": airflow.KindVariable, "get_config": airflow.KindConfig}[q.Operation]
	s := &session{dialect: dialectOf(t, c), ref: airflow.Ref{Kind: kind, ID: q.ID}, log: &recordedLog{}}
	if q.Team != nil {
		s.ref.Team = *q.Team
	}
	if c.Backend == "ssm" {
		s.store = ssmstore.FromKwargs(kwargsOf(t, c), awsconn.Env{})
	} else {
		s.store = secretsmanagerstore.FromKwargs(kwargsOf(t, c), awsconn.Env{})
	}
	defer s.store.Close()
	v, err := s.lookup(t.Context())
	if err != nil {
		e := inPython(c.Backend)(err)
		if e.Type == "unmapped" && strings.Contains(err.Error(), "must not be empty") {
			e.Type = "ParamValidationError"
		}
		return answer{Error: e.Type}
	}
	return answer{Value: v}
}

func askProvider(t *testing.T, all []config, questions []question) []answer {
	t.Helper()
	const script = `
import json, os, sys, warnings
warnings.simplefilter("ignore")
from airflow.providers.amazon.aws.secrets.systems_manager import SystemsManagerParameterStoreBackend
from airflow.providers.amazon.aws.secrets.secrets_manager import SecretsManagerBackend
classes = {"ssm": SystemsManagerParameterStoreBackend, "secretsmanager": SecretsManagerBackend}
data = json.load(sys.stdin)
backends = [classes[c["backend"]](**c["kwargs"]) for c in data["configs"]]
def ask(q):
    os.environ["AIRFLOW__CORE__MULTI_TEAM"] = str(data["configs"][q["config"]]["multi_team"])
    more = {"team_name": q["team"]} if q["team"] else {}
    try:
        return {"value": getattr(backends[q["config"]], q["operation"])(q["id"], **more), "error": ""}
    except Exception as e:
        return {"value": None, "error": type(e).__name__}
out = [ask(q) for q in data["questions"]]
with open(sys.argv[1], "w") as f:
    json.dump(out, f)
`
	in, err := json.Marshal(map[string]any{"configs": all, "questions": questions})
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	file := home + "/answers.json"
	cmd := exec.Command(baotest.Tool(t, "python"), "-c", script, file)
	cmd.Stdin, cmd.Dir = bytes.NewReader(in), home
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + home, "AIRFLOW_HOME=" + home, "AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR", "AWS_EC2_METADATA_DISABLED=true"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("python: %v\n%s", err, out)
	}
	var answers []answer
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answers); err != nil || len(answers) != len(questions) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	return answers
}
