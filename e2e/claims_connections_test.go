package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
)

func connectionsClaims(l *lab) []claimed {
	return slices.Concat(uriClaims(), objectClaims(l), storedClaims(l), urlClaims(l), astroClaims(), shadowClaims(l))
}

// readings defines how cases look at a connection. asked prints what a task
// and the scheduler get of the one that the environment holds, raised what
// either's class says of the text itself.
const readings = `
import os
from airflow.models.connection import Connection as Model
from airflow.sdk import BaseHook, Connection as Task

def attempt(label, f):
    try:
        print(label, f())
    except Exception as e:
        print(label, type(e).__name__, e)

def fields(c):
    return " ".join(repr(v) for v in (c.conn_type, c.login, c.password, c.host, c.port, c.schema, c.extra))

def asked(label, text):
    os.environ["AIRFLOW_CONN_X"] = text
    attempt(label + " task:", lambda: fields(BaseHook.get_connection("x")))
    attempt(label + " server:", lambda: fields(Model.get_connection_from_secrets("x")))

def raised(label, text):
    object = text.startswith("{")
    def task():
        c = Task.from_json(text, conn_id="x") if object else Task.from_uri(text, conn_id="x")
        c.get_uri()
        return fields(c)
    def server():
        c = Model.from_json(text, conn_id="x") if object else Model(conn_id="x", uri=text)
        c.get_uri()
        return fields(c)
    attempt(label + " task:", task)
    attempt(label + " server:", server)

def hook(label, text):
    os.environ["AIRFLOW_CONN_X"] = text
    attempt(label + " hook:", lambda: BaseHook.get_hook("x"))
`

// notFound is what a look-up fails with.
const notFound = "AirflowNotFoundException The conn_id `x` isn't defined"

// debugLevel shows what Airflow logs at debug level.
const debugLevel = "AIRFLOW__LOGGING__LOGGING_LEVEL=DEBUG"

// both is what a task and the scheduler are given alike.
func both(label, text string) []string {
	return []string{label + " task: " + text, label + " server: " + text}
}

// nextLayer asks for a connection of the environment that fails and that the
// database has too.
const nextLayer = `
from airflow.utils.session import create_session
with create_session() as s:
    if not s.query(Model).filter_by(conn_id="next_layer").first():
        s.add(Model(conn_id="next_layer", conn_type="http", host="database"))
os.environ["AIRFLOW_CONN_NEXT_LAYER"] = %q
attempt("next layer:", lambda: fields(Model.get_connection_from_secrets("next_layer")))
`

// passedOver is what is logged of a connection of the environment that fails.
const passedOver = "Unable to retrieve connection from secrets backend (EnvironmentVariablesBackend). Checking subsequent secrets backend."

func uriClaims() []claimed {
	const badPort = "ValueError Port could not be cast to integer value as 'pa'"
	return []claimed{
		{rule: "uri-not-encoded", name: "an @ behind the host", code: `uri("postgres://u:p@ss/w@h/db")`, want: []string{"connection: postgres u p ss None w@h/db"}},
		{rule: "uri-not-encoded", name: "splits there", code: readings + `
for label, c in ("slash", "/"), ("question", "?"), ("hash", "#"), ("bracket", "["), ("end", "]"), ("wide", "\uff0f"):
    raised(label, "postgres://me:pa" + c + "ss@db:5432/prod")
raised("digits", "postgres://me:12/ss@db:5432/prod")
raised("login", "postgres://m/e:pass@db:5432/prod")
raised("address", "postgres://me:p[a]ss@db:5432/prod")
`, want: slices.Concat(both("slash", badPort), both("question", badPort), both("hash", badPort), both("bracket", "ValueError Invalid IPv6 URL"), both("end", "ValueError Invalid IPv6 URL"),
			both("wide", "ValueError netloc"), []string{"contains invalid characters under NFKC normalization"},
			both("digits", "'postgres' None None 'me' 12 'ss@db:5432/prod' None"), both("login", "'postgres' None None 'm' None 'e:pass@db:5432/prod' None"), both("address", "ValueError"))},
		{rule: "uri-not-encoded", name: "is passed over", env: []string{debugLevel},
			code: readings + `asked("slash", "postgres://me:pa/ss@db:5432/prod")` + fmt.Sprintf(nextLayer, "postgres://me:pa/ss@db:5432/prod"),
			want: append(both("slash", notFound), passedOver, "next layer: 'http' None None 'database' None"), not: []string{"[warning", "[error"}},
		{rule: "uri-not-encoded", name: "only at debug level", code: readings + `asked("slash", "postgres://me:pa/ss@db:5432/prod")`, want: both("slash", notFound), not: []string{passedOver}},
		{rule: "uri-not-encoded", name: "escapes", code: readings + `
raised("letter", "http://u:pass%41@h")
raised("none", "http://u:pass%zz@h")
raised("plus", "http://u+v:pass+word@h?a=b+c")
raised("words", "http://u:pass@h:port")
raised("beyond", "http://u:pass@h:99999")
raised("second", "http://u:pass@h?x=https://y")
raised("third", "http://a://b://c")
raised("no host", "http://h/p?x=https://y")
`, want: slices.Concat(both("letter", "'http' 'u' 'passA' 'h'"), both("none", "'http' 'u' 'pass%zz' 'h'"), both("plus", `'http' 'u+v' 'pass+word' 'h' None '' '{"a": "b c"}'`),
			both("words", "ValueError Port could not be cast to integer value as 'port'"), both("beyond", "ValueError Port out of range 0-65535"),
			both("second", "AirflowException Invalid connection string"), both("third", "AirflowException Invalid connection string"), both("no host", "'http' None None '' None"))},
		{rule: "uri-scheme-underscore", code: readings + `asked("type", "google_cloud_platform://?project=some-project"); hook("type", "google_cloud_platform://?project=some-project")`,
			want: append(both("type", "'' None None '' None 'oogle_cloud_platform//'"), `type hook: AirflowException Unknown hook type ""`)},
		{rule: "uri-no-type", code: readings + `
for label, text in ("word", "sometext"), ("host", "host.example.com:5432/db"), ("digit", "1abc://me:word@h"), ("nothing", "://me:password@h"):
    asked(label, text); hook(label, text)
raised("blank", "  ")
`, want: slices.Concat(both("word", "'' None None '' None 'ometext'"), both("host", "'host.example.com' None None '' None '432/db'"), both("digit", "'' None None '' None 'abc//me:word@h'"),
			both("nothing", "'' 'me' 'password' 'h'"), []string{`word hook: AirflowException Unknown hook type ""`, `host hook: AirflowException Unknown hook type "host.example.com"`,
				`digit hook: AirflowException Unknown hook type ""`, `nothing hook: AirflowException Unknown hook type ""`})},
		{rule: "uri-part-lost", code: readings + `asked("hash", "mysql://user:password@h:3306/db?a=b#more"); asked("capitals", "mysql://Host.Example.com/db")`,
			want: append(both("hash", `'mysql' 'user' 'password' 'h' 3306 'db' '{"a": "b"}'`+"\n"), both("capitals", "'mysql' None None 'host.example.com' None 'db'")...)},
		{rule: "uri-port-of-other-type", code: readings + `
from airflow.providers.http.hooks.http import HttpHook
def url(text):
    os.environ["AIRFLOW_CONN_X"] = text
    h = HttpHook(http_conn_id="x"); h.get_conn(); return h.base_url
attempt("with:", lambda: url("http://h.example.com:5432/"))
attempt("without:", lambda: url("http://h.example.com/"))
asked("object", '{"conn_type": "http", "port": 99999}')
`, want: append(both("object", "'http' None None None 99999"), "with: http://h.example.com:5432\n", "without: http://h.example.com\n")},
		{rule: "connection-whitespace", code: readings + `asked("inside", "mysql://us\ner:pass\tword@h:33\r06/db"); asked("around", "  mysql://user:password@h:3306/db\n")`,
			want: append(both("inside", "'mysql' 'user' 'password' 'h' 3306 'db' None"), both("around", "'mysql' 'user' 'password' 'h' 3306 'db' None")...)},
	}
}

func objectClaims(l *lab) []claimed {
	return []claimed{
		{rule: "connection-json", env: []string{debugLevel}, code: readings + `
raised("quotes", "{'conn_type': 'http'}")
raised("comma", '{"conn_type": "http",}')
asked("lookup", "{'conn_type': 'http'}")
` + fmt.Sprintf(nextLayer, "{'conn_type': 'http'}"), want: slices.Concat(both("quotes", "JSONDecodeError"), both("comma", "JSONDecodeError"), both("lookup", notFound),
			[]string{passedOver, "next layer: 'http' None None 'database' None"}), not: []string{"[warning", "[error"}},
		{rule: "connection-json-fields", code: readings + `
raised("unknown", '{"conn_type": "http", "user": "x"}'); asked("unknown lookup", '{"conn_type": "http", "user": "x"}')
raised("id", '{"conn_type": "http", "conn_id": "x"}')
asked("none", '{"host": "h"}'); hook("none", '{"host": "h"}')
asked("twice", '{"conn_type": "http", "host": "a", "host": "b"}')
for name in "host", "login", "password", "schema", "conn_type":
    raised(name, '{"conn_type": "http", "%s": 5}' % name); asked(name + " lookup", '{"conn_type": "http", "%s": 5}' % name)
raised("port", '{"conn_type": "http", "port": "x"}'); asked("port lookup", '{"conn_type": "http", "port": "x"}')
` + fmt.Sprintf(nextLayer, `{"conn_type": "http", "user": "x"}`), want: slices.Concat(
			[]string{"unknown task: TypeError Connection.__attrs_init__() got an unexpected keyword argument 'user'", "unknown server: TypeError __init__() got an unexpected keyword argument 'user'"},
			both("unknown lookup", notFound), []string{"id task: TypeError", "id server: TypeError", "got multiple values for keyword argument 'conn_id'"},
			both("none", "None None None 'h'"), []string{`none hook: AirflowException Unknown hook type "None"`}, both("twice", "'http' None None 'b'"),
			both("host", "TypeError"), both("login", "TypeError"), both("password", "TypeError"), both("schema", "TypeError"), both("conn_type", "TypeError"),
			both("host lookup", notFound), both("login lookup", notFound), both("password lookup", notFound), both("schema lookup", notFound), both("conn_type lookup", notFound),
			both("port", "ValueError Expected integer value for `port`"), both("port lookup", notFound), []string{"next layer: 'http' None None 'database' None"})},
		{rule: "connection-json-fields", name: "Secrets Manager", env: secretsManagerHolds(l), code: readings + `
for id in "renamed", "with_id":
    attempt(id, lambda: fields(Model.get_connection_from_secrets(id)))
`, want: []string{"renamed 'postgres' 'me' 'password' 'h' None None None", "with_id 'first' None None 'h'"}},
		{rule: "connection-extra", code: readings + `
def extra(label, text):
    asked(label, text); raised(label + " itself", text)
    attempt(label + " names:", lambda: BaseHook.get_connection("x").extra_dejson.get("a"))
extra("text", '{"conn_type": "http", "host": "h", "extra": "a=b"}')
extra("list", '{"conn_type": "http", "host": "h", "extra": ["a"]}')
extra("nested", '{"conn_type": "http", "host": "h", "extra": {"__extra__": {"a": 1}}}')
extra("query text", "http://h?__extra__=nothing")
extra("query list", "http://h?__extra__=%5B1%5D")
extra("query", "http://h?__extra__=%7B%22a%22%3A+1%7D")
asked("no value", "http://h?a=first&second")
`, want: slices.Concat([]string{"text task: 'http' None None 'h' None None 'a=b'", "Failed to deserialize extra property `extra`, returning empty dictionary", "text names: None",
			"text itself server: ValueError", "text server: " + notFound, `list task: 'http' None None 'h' None None '["a"]'`, "list names: AttributeError", "list itself server: ValueError", "list server: " + notFound,
			"nested names: None", "query text names: None", "query text itself server: ValueError", "query text server: " + notFound, "query list names: AttributeError", "query list itself server: ValueError",
			"query list server: " + notFound, "query names: 1"},
			both("nested", `'http' None None 'h' None None '{"__extra__": {"a": 1}}'`), both("query", `'http' None None 'h' None '' '{"a": 1}'`), both("no value", `'http' None None 'h' None '' '{"a": "first", "second": ""}'`))},
	}
}

// secretsManagerHolds puts two connections into AWS Secrets Manager.
func secretsManagerHolds(l *lab) []string {
	s := l.moto()
	for id, text := range map[string]string{
		"renamed": `{"engine": "postgres", "user": "me", "pass": "password", "server": "h", "dbname": "lost", "colour": "lost"}`,
		"with_id": `{"conn_id": "first", "engine": "postgres", "host": "h"}`,
	} {
		s.MustCall(l.t, "secretsmanager.CreateSecret", map[string]any{"Name": "claims/" + id, "SecretString": text, "ClientRequestToken": strings.Repeat("0", 32)})
	}
	return append(awsEnviron(s), configured(secretsManagerClass, `{"connections_prefix": "claims"}`)...)
}

// vaultKwargsAt are kwargs for a Vault with a KV engine at secret/.
func vaultKwargsAt(url, token string) []string {
	return configured(vaultClass, fmt.Sprintf(`{"url": %q, "auth_type": "token", "token": %q, "mount_point": "secret", "variables_path": "claims"}`, url, token))
}

// storedClaims are about what a command writes.
func storedClaims(l *lab) []claimed {
	bao := l.bao()
	bao.MustDo(l.t, http.MethodPost, "/v1/secret/data/claims/with_newline", map[string]any{"data": map[string]any{"value": "of the store\n"}})
	google, at := l.google()
	google.Put("p", "claims-with_newline", []byte("of the store\n"))
	keyfile, _ := gcpfake.Account(l.t, "p", "https://localhost:1/token")
	keyfile["universe_domain"] = at.Universe
	kwargs, err := json.Marshal(map[string]any{"variables_prefix": "claims", "gcp_keyfile_dict": keyfile})
	if err != nil {
		l.t.Fatal(err)
	}
	toGoogle := append(configured(googleClass, string(kwargs)), "GOOGLE_CLOUD_UNIVERSE_DOMAIN="+at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH="+at.CAFile)
	return []claimed{
		{rule: "value-ends-in-newline", name: "Vault", env: vaultKwargsAt(bao.Addr, bao.Token), code: `variable("with_newline")`, want: []string{`variable: 'of the store\n'`}},
		{rule: "value-ends-in-newline", name: "Google", env: toGoogle, code: `variable("with_newline")`, want: []string{`variable: 'of the store\n'`}},
	}
}

// urlClaims are about where a backend sends what it has.
func urlClaims(l *lab) []claimed {
	bao := l.bao()
	bao.MustDo(l.t, http.MethodPost, "/v1/secret/data/claims/over_http", map[string]any{"data": map[string]any{"value": "over plain HTTP"}})
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	const env = "CLAIMS_TOKEN=hvs.of-the-environment"
	return []claimed{
		{rule: "local-url", env: append(vaultKwargsAt(closed.URL, "t"), debugLevel), code: readings + `
attempt("connection", lambda: Model.get_connection_from_secrets("x"))
os.environ["AIRFLOW_VAR_NEXT"] = "of the environment"
from airflow.models import Variable
attempt("next:", lambda: Variable.get("next"))
attempt("variable", lambda: Variable.get("x"))
`, want: []string{"Connection refused", "Unable to retrieve connection from secrets backend (VaultBackend). Checking subsequent secrets backend.", "connection " + notFound,
			"next: of the environment", "variable KeyError 'Variable x does not exist.'"}},
		{rule: "local-url", name: "without debug level", env: vaultKwargsAt(closed.URL, "t"), code: readings + `
attempt("connection", lambda: Model.get_connection_from_secrets("x"))
from airflow.models import Variable
attempt("variable", lambda: Variable.get("x"))
`, want: []string{"connection " + notFound, "Unable to retrieve variable from secrets backend (VaultBackend)"}, not: []string{"Unable to retrieve connection"}},
		{rule: "plain-http", env: vaultKwargsAt(bao.Addr, bao.Token), code: `variable("over_http")`, want: []string{"variable: 'over plain HTTP'"}, not: []string{"[warning", "Warning"}},
		{rule: "variable-to-foreign-url", env: append(vaultKwargsAt(foreignVault(l, "hvs.of-the-environment"), "$CLAIMS_TOKEN"), env), code: `variable("anything")`,
			want: []string{"variable: 'it has the token'"}},
		{rule: "file-to-foreign-url", env: configured(vaultClass, fmt.Sprintf(`{"url": %q, "token_path": %q, "mount_point": "secret", "variables_path": "claims"}`,
			foreignVault(l, "private-key"), privateKey(l))), code: `variable("anything")`, want: []string{"variable: 'it has the token'"}},
		{rule: "program-in-folder", env: append(googleProgram(), env, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"), code: programRuns, want: []string{"ran: True with hvs.of-the-environment"}},
		{rule: "program-in-folder", name: "not permitted", env: append(googleProgram(), env), code: programRuns, want: []string{"ran: False", "Executables need to be explicitly allowed"}},
	}
}

// privateKey is a file that is nobody else's.
func privateKey(l *lab) string {
	path := filepath.Join(l.t.TempDir(), "id_rsa")
	claim(l.t, os.WriteFile(path, []byte("private-key\n"), 0o600) == nil, "the file cannot be written")
	return path
}

// googleProgram is a backend whose account gets its token from a program, which
// leaves a file in the current folder.
func googleProgram() []string {
	return configured(googleClass, `{"project_id": "p", "gcp_credential_config_file": {"type": "external_account", "audience": "//iam.googleapis.com/x",
 "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
 "credential_source": {"executable": {"command": "sh -c 'printenv CLAIMS_TOKEN > ran'"}}}}`)
}

const programRuns = `
import os
from google.auth.transport.requests import Request
if os.path.exists("ran"): os.remove("ran")
b = backend()
attempt(lambda: b.credentials.refresh(Request()))
print("ran:", os.path.exists("ran"), "with", open("ran").read().strip() if os.path.exists("ran") else "")
`

// foreignVault answers whoever sends it the token, and says so.
func foreignVault(l *lab, token string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("X-Vault-Token") != token:
			w.WriteHeader(http.StatusForbidden)
		case strings.HasSuffix(r.URL.Path, "/lookup-self"):
			fmt.Fprint(w, `{"data": {"id": "t"}}`)
		default:
			fmt.Fprint(w, `{"data": {"data": {"value": "it has the token"}, "metadata": {"version": 1}}}`)
		}
	}))
	l.t.Cleanup(s.Close)
	return s.URL
}

func astroClaims() []claimed {
	const prefix = `print("prefix:", backend().variables_prefix)`
	return []claimed{
		{rule: "astro-saved-secret", name: "kwargs", env: configured(ssmClass, "# secret"), code: prefix, want: []string{notJSON, "prefix: /airflow/variables"}},
		{rule: "astro-saved-secret", name: "connection", code: readings + `asked("saved", "# secret"); hook("saved", "# secret")
os.environ["AIRFLOW_VAR_SAVED"] = "# secret"
variable("saved")`, want: append(both("saved", "'' None None '' None"), `saved hook: AirflowException Unknown hook type ""`, "variable: '# secret'")},
		{rule: "astro-secret-blanked", env: configured(ssmClass, ""), code: prefix, want: []string{"prefix: /airflow/variables"}, not: []string{"[warning", "[error"}},
	}
}

// shadowClaims look ids up that several layers have, and see who was asked.
func shadowClaims(l *lab) []claimed {
	bao := l.bao()
	bao.MustDo(l.t, http.MethodPost, "/v1/secret/data/claims/in_three", map[string]any{"data": map[string]any{"value": "of the store"}})
	bao.MustDo(l.t, http.MethodPost, "/v1/secret/data/connections/in_three", map[string]any{"data": map[string]any{"conn_uri": "http://store"}})
	return []claimed{{rule: "shadowed-id", env: vaultKwargsAt(bao.Addr, bao.Token), code: `
import os
from airflow.models import Variable
from airflow.models.connection import Connection
from airflow.providers.hashicorp.secrets.vault import VaultBackend
from airflow.secrets.environment_variables import EnvironmentVariablesBackend
from airflow.secrets.metastore import MetastoreBackend
from airflow.utils.session import create_session

def watched(layer, name):
    real = getattr(layer, name)
    def ask(self, *args, **kwargs):
        print("asked:", layer.__name__, end="; ")
        return real(self, *args, **kwargs)
    setattr(layer, name, ask)

for layer in VaultBackend, EnvironmentVariablesBackend, MetastoreBackend:
    watched(layer, "get_variable"); watched(layer, "get_connection")
with create_session() as s:
    for id in "in_three", "in_two", "in_one":
        s.add(Variable(key=id, val="of the database"))
        s.add(Connection(conn_id=id, conn_type="http", host="database"))
for id in "IN_THREE", "IN_TWO":
    os.environ["AIRFLOW_VAR_" + id] = "of the environment"
    os.environ["AIRFLOW_CONN_" + id] = "http://environment"
for id in "in_three", "in_two", "in_one":
    variable(id)
    connection(id)
`, want: []string{
		"asked: VaultBackend; variable: 'of the store'", "asked: VaultBackend; connection: http None None store",
		"asked: VaultBackend; asked: EnvironmentVariablesBackend; variable: 'of the environment'", "asked: VaultBackend; asked: EnvironmentVariablesBackend; connection: http None None environment",
		"asked: VaultBackend; asked: EnvironmentVariablesBackend; asked: MetastoreBackend; variable: 'of the database'",
		"asked: VaultBackend; asked: EnvironmentVariablesBackend; asked: MetastoreBackend; connection: http None None database",
	}}}
}
