package vaultstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
)

// stockCase is one look-up, asked of Airflow's class and of this store.
type stockCase struct {
	Kwargs    map[string]any    `json:"kwargs"`
	Env       map[string]string `json:"env"`
	Operation string            `json:"operation"`
	ID        string            `json:"id"`

	// login is how the server answers POST; nil: with a token.
	login *vectorAnswer
}

// stockAnswer is what Airflow's class made of it.
type stockAnswer struct {
	Result json.RawMessage `json:"result"`
	Error  *pythonError    `json:"error"`
}

// askStock asks Airflow's class.
func askStock(t *testing.T, cases []stockCase) []stockAnswer {
	t.Helper()
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), baotest.Tool(t, "python"), filepath.Join("testdata", "stock.py"))
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "AIRFLOW_HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("asking Airflow's class: %v\n%s", err, stderr.String())
	}
	var answers []stockAnswer
	if err := json.Unmarshal(out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:], &answers); err != nil || len(answers) != len(cases) {
		t.Fatalf("Airflow's class answered %s: %v", out, err)
	}
	return answers
}

// loginServer is a Vault for the requests of many cases, told apart by the
// first part of the path.
type loginServer struct {
	*httptest.Server
	cases map[string]*stockCase

	mu   sync.Mutex
	sent map[string][]sentRequest
}

func startLogins(t *testing.T) *loginServer {
	t.Helper()
	s := &loginServer{cases: map[string]*stockCase{}, sent: map[string][]sentRequest{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *loginServer) serve(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.RequestURI, "/"), "/")
	sent := sentRequest{Method: r.Method, URL: rest, Headers: map[string]string{}}
	for header, values := range r.Header {
		if strings.HasPrefix(header, "X-Vault-") {
			sent.Headers[header] = strings.Join(values, ",")
		}
	}
	body, err := io.ReadAll(r.Body)
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	switch {
	case err != nil:
	case form:
		values, _ := url.ParseQuery(string(body))
		if strings.HasSuffix(rest, "token") {
			sent.JSON = answerToken(w, name, values)
		} else {
			sent.JSON = assumeRole(w, values)
		}
	case len(body) > 0:
		sent.Headers["Content-Type"] = r.Header.Get("Content-Type")
		sent.JSON, err = readBody(body)
	}
	if err != nil {
		sent.JSON = err.Error()
	}
	c := s.record(name, sent)
	switch {
	case form:
	case r.Method == http.MethodGet:
		writeAnswer(w, &vectorAnswer{http.StatusOK, json.RawMessage(`{"data": {"data": {"value": "found"}}}`)})
	case c == nil || c.login == nil:
		writeAnswer(w, &vectorAnswer{http.StatusOK, json.RawMessage(`{"auth": {"client_token": "s.given"}}`)})
	default:
		writeAnswer(w, c.login)
	}
}

// record writes a request down and returns the case that it belongs to.
func (s *loginServer) record(name string, sent sentRequest) *stockCase {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[name] = append(s.sent[name], sent)
	return s.cases[name]
}

// readBody is a body without what depends on the time; a signature is checked.
func readBody(body []byte) (any, error) {
	var sent any
	if err := json.Unmarshal(body, &sent); err != nil {
		return nil, err
	}
	if members, ok := sent.(map[string]any); ok && members["iam_request_headers"] != nil {
		if err := verifySigned(sent, time.Now()); err != nil {
			return nil, err
		}
	}
	return readable(sent)
}

func writeAnswer(w http.ResponseWriter, a *vectorAnswer) {
	var text string
	contentType := "application/json"
	body := []byte(a.Body)
	if json.Unmarshal(body, &text) == nil {
		contentType, body = "text/plain", []byte(text)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(a.Status)
	_, _ = w.Write(body)
}

// take returns what was sent since the last call.
func (s *loginServer) take() map[string][]sentRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sent
	s.sent = map[string][]sentRequest{}
	return sent
}

// loginCases are log-ins by name: kwargs that are expected, missing, odd.
func loginCases(t *testing.T, google *fakeIAM) map[string]*stockCase {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string { return writeIn(t, dir, name, text) }
	jwt := file("jwt", "\n eyJ.x.y\t\x1c\n")
	home := map[string]string{"HOME": filepath.Dir(file("home/.vault-token", "from-home\n"))}
	cases := map[string]*stockCase{}
	add := func(method, what, kwargs string, env map[string]string) *stockCase {
		c := &stockCase{Kwargs: map[string]any{"auth_type": method}, Env: map[string]string{"HOME": dir, "AWS_EC2_METADATA_DISABLED": "true"}, Operation: "get_variable", ID: "x"}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(kwargs, "JWT", jwt)), &c.Kwargs); err != nil {
			t.Fatal(err)
		}
		maps.Copy(c.Env, env)
		cases[method+" "+what] = c
		return c
	}
	for _, method := range []string{"userpass", "ldap"} {
		addPasswords(add, method)
	}
	add("kubernetes", "plain", `{"kubernetes_role": "r", "kubernetes_jwt_path": "JWT"}`, nil)
	add("kubernetes", "mount", `{"kubernetes_role": ["r", 1, null], "kubernetes_jwt_path": "JWT", "auth_mount_point": "k 8/s?"}`, home)
	add("kubernetes", "no file", `{"kubernetes_role": "r", "kubernetes_jwt_path": "JWT.not"}`, nil)
	add("jwt", "token wins", `{"jwt_role": "r", "jwt_token": " a.b.c \n", "jwt_token_path": "JWT"}`, nil)
	add("jwt", "path", `{"jwt_role": {"a": 1.0}, "jwt_token_path": "JWT", "auth_mount_point": "oidc/eu/"}`, nil)
	add("jwt", "number", `{"jwt_role": "r", "jwt_token": 5}`, nil)
	add("jwt", "no file", `{"jwt_role": "r", "jwt_token_path": "JWT.not"}`, nil)
	add("github", "plain", `{"token": "ghp", "namespace": "team"}`, nil)
	add("github", "token path", `{"token_path": "JWT"}`, nil)
	add("github", "token path, VAULT_TOKEN", `{"token_path": "JWT"}`, map[string]string{"VAULT_TOKEN": "env"})
	add("github", "token path, empty VAULT_TOKEN", `{"token_path": "JWT"}`, map[string]string{"VAULT_TOKEN": ""})
	add("github", "number", `{"token": 5, "auth_mount_point": 7}`, nil)
	for what, env := range map[string]map[string]string{"no token": nil, "home": home, "VAULT_TOKEN": {"VAULT_TOKEN": "env"}} {
		add("azure", what, `{"azure_resource": "r", "azure_tenant_id": "t"}`, env)
		add("azure", what+", all", `{"azure_resource": "r", "azure_tenant_id": "t", "key_id": "", "secret_id": "s", "auth_mount_point": "az"}`, env)
		add("radius", what, `{"radius_host": "h", "radius_secret": "s"}`, env)
		add("radius", what+", all", `{"radius_host": "h", "radius_secret": 5, "radius_port": 0, "auth_mount_point": "rad"}`, env).login =
			&vectorAnswer{http.StatusNoContent, json.RawMessage(`""`)}
	}
	addAWS(add, file)
	addAnswers(add)
	googleCases(t, add, file, google)
	return cases
}

// writeIn writes a file below dir and returns its path.
func writeIn(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type addCase func(method, what, kwargs string, env map[string]string) *stockCase

func addPasswords(add addCase, method string) {
	add(method, "plain", `{"username": "u", "password": "p"}`, nil)
	add(method, "none", `{}`, nil)
	add(method, "types", `{"username": 5, "password": {"a": [1.50, true, null, "é"]}}`, nil)
	for i, name := range oddNames {
		quoted, _ := json.Marshal(name) // a string can be marshalled
		add(method, fmt.Sprintf("name %d", i), `{"username": `+string(quoted)+`, "password": "p"}`, nil)
		add(method, fmt.Sprintf("mount %d", i), `{"username": "u", "password": "p", "auth_mount_point": `+string(quoted)+`}`, nil)
	}
}

// oddNames mean something in a URL, or would.
var oddNames = []string{
	"a b", "é", `DOMAIN\u`, "u@x.y", "a/b", "/a/", "../x", "a/./b", "a+b", "a&b=c", "a?b=c", "a#b", "a%20b", "a:b", "~", "a;b,c", "a?b c",
	"a?[b]%20%41%zz", "a[b]", "100%", "a%zz", "a%4", "a%41b c", "a%é", "a|b{c}<d>\"^`", "a\tb", "?", "a?b?c#d", "*!$'()=,", "a%4%20", "a b%4", "a%%41", "a%2fb%2F", "%",
}

func addAWS(add addCase, file func(name, text string) string) {
	pair := map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "sekrit"}
	with := func(more ...string) map[string]string {
		env := maps.Clone(pair)
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	add("aws_iam", "keys", `{"key_id": "AKID", "secret_id": "sekrit"}`, nil)
	add("aws_iam", "keys, all", `{"key_id": "AKID", "secret_id": "sekrit", "role_id": "r", "region": "eu-west-1", "auth_mount_point": "aws/eu"}`, with("AWS_SESSION_TOKEN", "not this one"))
	add("aws_iam", "one key only", `{"key_id": "AKID"}`, nil)
	add("aws_iam", "role is a number", `{"key_id": "AKID", "secret_id": "sekrit", "role_id": 5}`, nil)
	add("aws_iam", "region is a number", `{"key_id": "AKID", "secret_id": "sekrit", "region": 5}`, nil)
	add("aws_iam", "nothing", `{}`, nil)
	add("aws_iam", "environment", `{}`, with("AWS_DEFAULT_REGION", "eu-west-3"))
	add("aws_iam", "environment, AWS_REGION", `{}`, with("AWS_REGION", "eu-west-3"))
	add("aws_iam", "environment, region", `{"region": "eu-west-2"}`, with("AWS_DEFAULT_REGION", "eu-west-3", "AWS_SESSION_TOKEN", "session"))
	addRoles(add, with)
	config := file("aws/config", "[profile p]\nregion = ap-south-1\n[default]\nregion = ca-central-1\n")
	secrets := file("aws/credentials", "[p]\naws_access_key_id = AKID\naws_secret_access_key = sekrit\naws_session_token = t\n[default]\naws_access_key_id=AKID\naws_secret_access_key=sekrit\n")
	files := map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": secrets}
	add("aws_iam", "default profile", `{}`, files)
	add("aws_iam", "profile", `{}`, map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": secrets, "AWS_PROFILE": "p"})
}

func addRoles(add addCase, with func(...string) map[string]string) {
	const args = `"assume_role_kwargs": {"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "airflow", "DurationSeconds": 900}`
	sts := func(more ...string) map[string]string { return with(append(more, "AWS_ENDPOINT_URL_STS", "SERVER")...) }
	add("aws_iam", "a role", `{`+args+`}`, sts("AWS_DEFAULT_REGION", "eu-west-3"))
	add("aws_iam", "a role, region", `{"region": "eu-west-1", "role_id": "r", `+args+`}`, sts("AWS_DEFAULT_REGION", "eu-west-3"))
	add("aws_iam", "a role, no region", `{`+args+`}`, sts())
	add("aws_iam", "a role, keys win", `{"key_id": "AKID", "secret_id": "sekrit", `+args+`}`, sts())
	add("aws_iam", "a role, one key", `{"key_id": "AKID", `+args+`}`, sts("AWS_DEFAULT_REGION", "eu-west-3"))
	add("aws_iam", "a role, no credentials", `{`+args+`}`, map[string]string{"AWS_DEFAULT_REGION": "eu-west-3", "AWS_ENDPOINT_URL_STS": "SERVER"})
	add("aws_iam", "a role, denied", strings.Replace(`{`+args+`}`, "role/reader", "role/denied", 1), sts("AWS_DEFAULT_REGION", "eu-west-3"))
	add("aws_iam", "half a pair", `{}`, map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_DEFAULT_REGION": "eu-west-3"})
	add("aws_iam", "no such profile", `{}`, sts("AWS_PROFILE", "nope"))
	add("aws_iam", "no role", `{"assume_role_kwargs": {}}`, sts("AWS_DEFAULT_REGION", "eu-west-3"))
}

func addAnswers(add addCase) {
	for what, login := range map[string]*vectorAnswer{
		"204":      {204, json.RawMessage(`""`)},
		"400":      {400, json.RawMessage(`{"errors": ["invalid username or password"]}`)},
		"403":      {403, json.RawMessage(`{"errors": ["permission denied"]}`)},
		"404":      {404, json.RawMessage(`{"errors": []}`)},
		"429":      {429, json.RawMessage(`{"errors": ["slow down"]}`)},
		"500":      {500, json.RawMessage(`{"errors": ["boom"]}`)},
		"503":      {503, json.RawMessage(`{"errors": ["Vault is sealed"]}`)},
		"text":     {200, json.RawMessage(`"<html>"`)},
		"no auth":  {200, json.RawMessage(`{"data": {}}`)},
		"no token": {200, json.RawMessage(`{"auth": {"client_token": ""}}`)},
		"a list":   {200, json.RawMessage(`[]`)},
	} {
		add("userpass", "answers "+what, `{"username": "u", "password": "p"}`, nil).login = login
		add("azure", "answers "+what, `{"azure_resource": "r", "azure_tenant_id": "t"}`, map[string]string{"VAULT_TOKEN": "env"}).login = login
	}
}

// TestLoginsAsStock gives Airflow's class and this store the same kwargs and
// environment, and compares what the server is sent and what comes of it.
func TestLoginsAsStock(t *testing.T) {
	server := startLogins(t)
	cases := loginCases(t, startIAM(t, server))
	var names []string
	var list []stockCase
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		at := fmt.Sprintf("c%d", len(names))
		c.Kwargs = placed(t, c.Kwargs, server.URL+"/"+at)
		c.Kwargs["url"] = server.URL + "/" + at
		for variable, value := range c.Env {
			c.Env[variable] = strings.ReplaceAll(value, "SERVER", server.URL+"/"+at)
		}
		server.cases[at] = c
		names, list = append(names, name), append(list, *c)
	}
	stock := askStock(t, list)
	wanted, all := server.take(), map[string][]sentRequest{}
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			at := fmt.Sprintf("c%d", i)
			value, err := askOurs(t, &list[i])
			taken := server.take()
			sent := taken[at]
			for who, requests := range taken {
				all[who] = append(all[who], requests...)
			}
			if store.CodeOf(err) == store.NotFound {
				value, err = nil, nil // None
			}
			if stock[i].Error != nil {
				wantPython(t, "the error", airflow.KindVariable, err, stock[i].Error)
			} else if err != nil {
				t.Errorf("the look-up fails: %v; Airflow answers %s", err, stock[i].Result)
			} else {
				wantJSON(t, "the answer", value, stock[i].Result)
			}
			if !reflect.DeepEqual(sent, wanted[at]) {
				t.Errorf("sent\n%+v, Airflow\n%+v", sent, wanted[at])
			}
		})
	}
	for _, who := range []string{"a person", "the person", "the other", "metadata"} { // named by tokens of Google's
		requests := wanted[who]
		if len(requests) == 0 || !reflect.DeepEqual(all[who], requests) {
			t.Errorf("%s: sent\n%+v, Airflow\n%+v", who, all[who], requests)
		}
	}
}

// placed are kwargs with the address of the case in place of the word SERVER.
func placed(t *testing.T, kwargs map[string]any, address string) map[string]any {
	t.Helper()
	text, err := json.Marshal(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte("SERVER"), []byte(address)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// askOurs does the look-up of a case with this store.
func askOurs(t *testing.T, c *stockCase) (any, error) {
	t.Helper()
	text, err := json.Marshal(c.Kwargs)
	if err != nil {
		t.Fatal(err)
	}
	kwargs, err := pyjson.Decode(string(text))
	if err != nil {
		t.Fatal(err)
	}
	env := Env{Getenv: func(name string) (string, bool) { v, ok := c.Env[name]; return v, ok }}
	env.Google = googleFor(env)
	s, err := FromKwargs(kwargs.(*pyjson.Object), env)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	secret, err := s.Get(t.Context(), "variables/"+c.ID)
	if err != nil {
		return nil, err
	}
	var data struct{ Value any }
	if err := json.Unmarshal(secret.Payload, &data); err != nil {
		return nil, errors.New("the payload is no object")
	}
	return data.Value, nil
}
