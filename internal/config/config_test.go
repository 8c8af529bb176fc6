package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// environment is what the tests' files may name.
var environment = map[string]string{"TOKEN": "s3cret", "PORT": "9", "ON": "true", "LOOP": "$LOOP$LOOP", "JSON": `{"a": 1}`}

func expand(text string) (string, error) {
	return airflow.ExpandVars(text, func(name string) (string, bool) { v, ok := environment[name]; return v, ok },
		func(user string) (string, bool) { return "/home/me", user == "" })
}

const whole = `# everything
context: server
sources:
  - name: corporate
    class: airflow.providers.hashicorp.secrets.vault.VaultBackend
    kwargs:
      url: http://127.0.0.1:8200
      token: ${TOKEN}
      kv_engine_version: 2
      timeout: 1.5
      verify: false
      config_path: null
      nested: {list: [1, "2", $UNKNOWN, 123456789012345678901234567890]}
      token_path: ~/.vault-token
    cache_ttl: 30s
  - class: a.B
    kwargs: '{"token": "$TOKEN", "n": 1}'
  - class: a.C
    kwargs: |
      {"x": null}
  - class: a.D
write_to: corporate
serve:
  listen: 127.0.0.1:$PORT
  data_dir: data
  cache_ttl: 5m
  plain_http: ${ON}
  hosts: [airlock.example.com, "h$PORT"]
  proxies: [127.0.0.1, 10.1.2.3/8, "::1"]
  audit: {max_size: 20 MB, max_age: 24h, keep: $PORT}
`

func TestDecode(t *testing.T) {
	for name, text := range map[string]string{
		"as it is": whole, "with a byte order mark": "\ufeff" + whole, "with CRLF": strings.ReplaceAll(whole, "\n", "\r\n"),
	} {
		c, err := decode([]byte(text), "airlock.yaml", expand)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var kwargs []string
		for _, s := range c.Sources {
			kwargs = append(kwargs, pyjson.Encode(s.Kwargs.Object()))
		}
		want := []string{
			`{"url": "http://127.0.0.1:8200", "token": "s3cret", "kv_engine_version": 2, "timeout": 1.5, "verify": false, "config_path": null, ` +
				`"nested": {"list": [1, "2", "$UNKNOWN", 123456789012345678901234567890]}, "token_path": "/home/me/.vault-token"}`,
			`{"token": "s3cret", "n": 1}`, `{"x": null}`, `{}`,
		}
		if !slices.Equal(kwargs, want) {
			t.Errorf("%s: kwargs are\n%s\nwant\n%s", name, strings.Join(kwargs, "\n"), strings.Join(want, "\n"))
		}
		if c.Context != "server" || c.WriteTo != "corporate" || c.Index("corporate") != 0 || c.Label(0) != "corporate" || c.Label(1) != "sources[1]" {
			t.Errorf("%s: %+v", name, c)
		}
		if *c.Sources[0].CacheTTL != 30*time.Second || c.Sources[1].CacheTTL != nil {
			t.Errorf("%s: cache_ttl of the sources is %v, %v", name, c.Sources[0].CacheTTL, c.Sources[1].CacheTTL)
		}
		if s := c.Serve; fmt.Sprint(s.Hosts) != "[airlock.example.com h9]" || fmt.Sprint(s.Proxies) != "[127.0.0.1/32 10.0.0.0/8 ::1/128]" {
			t.Errorf("%s: hosts %v, proxies %v", name, s.Hosts, s.Proxies)
		}
		if a := c.Serve.Audit; *a.MaxSize != 20<<20 || *a.MaxAge != 24*time.Hour || a.Keep != 9 {
			t.Errorf("%s: audit is %+v", name, a)
		}
		if s := c.Serve; s.Listen != "127.0.0.1:9" || s.DataDir != "data" || s.CacheTTL != 5*time.Minute || !s.PlainHTTP {
			t.Errorf("%s: serve is %+v", name, s)
		}
		if at := c.Sources[1].At("class"); at != (Position{16, 5}) {
			t.Errorf("%s: the second class is at %v", name, at)
		}
	}
}

func TestAnEmptyListIsNotAMissingOne(t *testing.T) {
	for text, want := range map[string]bool{"": true, "# nothing\n": true, "---\n": true, "context: worker\n": true, "sources: []\n": false} {
		c, err := decode([]byte(text), "f", expand)
		if err != nil || (c.Sources == nil) != want {
			t.Errorf("%q: %v, %v", text, c.Sources, err)
		}
	}
}

// mistakes are files that are wrong: where, what is said and what to do.
var mistakes = []struct{ text, where, says, hint string }{
	{"source: []\n", "f:1:1", "source: unknown key", "did you mean sources?"},
	{"sorces:\n  - x\n", "f:1:1", "sorces: unknown key", "did you mean sources?"},
	{"whatever: 1\n", "f:1:1", "whatever: unknown key", "known are: context, sources, write_to, serve"},
	{"sources:\n- clas: a.B\n", "f:2:3", "sources[0].clas: unknown key", "did you mean class?"},
	{"serve: {listen: '127.0.0.1:1', port: 1}\n", "f:1:32", "serve.port: unknown key", "known are: listen"},
	{"context: worker\ncontext: server\n", "f:2:1", "context: it is given twice, first in line 1", "keep one"},
	{"context: boss\n", "f:1:1", "context: unknown context", "worker or server"},
	{"context:\n", "f:1:10", "context: it is empty, not text", "take the key away"},
	{"context: 7\n", "f:1:10", "context: it is a number, not text", "quotes"},
	{"context: [worker]\n", "f:1:10", "context: it is a list, not text", "write text"},
	{"context: &x worker\n", "f:1:10", "an anchor", "not read"},
	{"context: !!str worker\n", "f:1:10", "a value with a tag", "not read"},
	{"sources: a.B\n", "f:1:10", "sources: it is text, not a list", ""},
	{"sources:\n  - a.B\n", "f:2:5", "sources[0]: it is text, not a mapping", ""},
	{"sources:\n  - kwargs: {}\n", "f:2:5", "sources[0].class: the class is missing", "AIRFLOW__SECRETS__BACKEND"},
	{"sources:\n  - class: ''\n", "f:2:5", "sources[0].class: the class is missing", ""},
	{"sources:\n  - class: airlock.EmbeddedStore\n", "f:2:5", "the embedded store is no source", "leave it out"},
	{"sources:\n  - class: a.B\n    kwargs: [1]\n", "f:3:13", "sources[0].kwargs: it is a list, not a mapping, or JSON text", ""},
	{"sources:\n  - class: a.B\n    kwargs: '{token: CANARY}'\n", "f:3:13", "sources[0].kwargs: the text is not a JSON object", "no double quotes"},
	{"serve: {listen: 'CANARY:http'}\n", "f:1:9", "serve.listen: it is not HOST:PORT", ""},
	{"serve:\n  listen:CANARY: 1\n", "f:2:3", "serve.listen...: unknown key", "a blank belongs after the colon"},
	{"sources:\n  - class: a.B\n    kwargs: {to-ken: CANARY}\n", "f:3:14", "sources[0].kwargs.to-ken: it is not the name of a kwarg", "letters"},
	{"sources:\n  - class: a.B\n    kwargs:\n      token: CANARY\n      token: CANARY\n", "f:5:7", "sources[0].kwargs.token: it is given twice", ""},
	{"sources:\n  - class: a.B\n    kwargs:\n      1: CANARY\n", "f:4:7", "a key here is not text", ""},
	{"sources:\n  - class: a.B\n    kwargs:\n      n: 0123\n", "f:4:10", "sources[0].kwargs.n: the number is not one that JSON has", "quotes"},
	{"sources:\n  - class: a.B\n    kwargs:\n      n: [.inf]\n", "f:4:11", "sources[0].kwargs.n[0]: the number", ""},
	{"sources:\n  - class: a.B\n    kwargs:\n      <<: {a: b}\n", "f:4:7", "a key here is not text", "<<"},
	{"sources:\n  - class: a.B\n    kwargs:\n      x: $LOOP\n", "f:4:10", "without end", ""},
	{"sources:\n  - class: a.B\n    cache_ttl: 30\n", "f:3:16", "sources[0].cache_ttl: it is not a duration", "unit"},
	{"sources:\n  - class: a.B\n    cache_ttl: -3s\n", "f:3:16", "it is not a duration", "unit"},
	{"sources:\n  - name: embedded\n    class: a.B\n", "f:2:5", "sources[0].name: the name is that of airlock's own store", ""},
	{"sources:\n  - name: 'a b'\n    class: a.B\n", "f:2:5", "sources[0].name: it is not a name", ""},
	{"sources:\n  - {name: a, class: a.B}\n  - {name: a, class: a.B}\n", "f:3:6", "another source is called so, in line 2", ""},
	{"sources:\n  - {name: vault, class: a.B}\nwrite_to: valt\n", "f:3:1", "write_to: no source is called so", "did you mean vault?"},
	{"write_to: nowhere\nsources: []\n", "f:1:1", "write_to: no source is called so", "embedded"},
	{"write_to: embedded\n", "f:1:1", "write_to: it needs sources", "name the sources"},
	{"serve: {listen: '8477'}\n", "f:1:9", "serve.listen: it is not HOST:PORT", "127.0.0.1:8477"},
	{"serve: {plain_http: yes}\n", "f:1:21", "serve.plain_http: it is text, not true or false", ""},
	{"serve: {plain_http: $TOKEN}\n", "f:1:21", "serve.plain_http", ""},
	{"serve: {audit: true}\n", "f:1:16", "serve.audit: it is a boolean, not a mapping", ""},
	{"serve: {audit: {max_size: 1}}\n", "f:1:17", "serve.audit.max_size: it is below 64KB", "100MB"},
	{"serve: {audit: {max_size: large}}\n", "f:1:27", "serve.audit.max_size: it is not a size such as 100MB", "KB, MB or GB"},
	{"serve: {audit: {max_size: 9999999999GB}}\n", "f:1:27", "serve.audit.max_size: it is not a size", ""},
	{"serve: {audit: {max_size: true}}\n", "f:1:27", "serve.audit.max_size: it is a boolean, not a size", ""},
	{"serve: {audit: {max_age: 1s}}\n", "f:1:17", "serve.audit.max_age: it is below one minute", "24h"},
	{"serve: {audit: {keep: -1}}\n", "f:1:23", "serve.audit.keep: it is not a number from 0 up", "10"},
	{"serve: {audit: {keep: [1]}}\n", "f:1:23", "serve.audit.keep: it is a list, not a number", ""},
	{"serve: {audit: {maxsize: 1MB}}\n", "f:1:17", "serve.audit.maxsize: unknown key", "did you mean max_size?"},
	{"serve: {hosts: airlock.example.com}\n", "f:1:16", "serve.hosts: it is text, not a list", ""},
	{"serve: {hosts: ['http://airlock.example.com']}\n", "f:1:9", "serve.hosts[0]: it is not a host name", "without scheme"},
	{"serve: {hosts: [1]}\n", "f:1:17", "serve.hosts[0]: it is a number, not text", "quotes"},
	{"serve: {proxies: [example.com]}\n", "f:1:19", "serve.proxies[0]: it is neither an address nor a network", "10.0.0.0/8"},
	{"serve: true\n", "f:1:8", "serve: it is a boolean, not a mapping", ""},
	{"CANARY\n", "f:1:1", "it is text, not a mapping", "sources:"},
	{"- CANARY\n", "f:1:1", "it is a list, not a mapping", ""},
	{"context: worker\n---\ncontext: server\n", "f:3:1", "a second document", ""},
	{"context: 'CANARY\n", "f:1:10", "it is not YAML", "quotes"},
	{"a: b: CANARY\n", "f:1:4", "it is not YAML", "quotes"},
	{"context:\n\tCANARY: 1\n", "f:2:1", "it is not YAML", "tabs"},
	{"token CANARY\nb: 1\n", "f:1:1", "it is not YAML", ""},
	{"%YAML CANARY\n---\na: 1\n", "f:1:7", "it is not YAML", ""},
	{"context: \xff\n", "f:1:1", "not UTF-8", "UTF-8"},
	{"# \n\x00\n", "f:2:1", "not UTF-8", ""},
	{strings.Repeat("[", 70), "f:1:65", "stand inside each other", ""},
	{strings.Repeat("- ", 70) + "x", "f:1:129", "stand inside each other", ""},
}

func TestProblems(t *testing.T) {
	for _, c := range mistakes {
		_, err := decode([]byte(c.text), "f", expand)
		var ps Problems
		if !errors.As(err, &ps) {
			t.Errorf("%q: no problem: %v", c.text, err)
			continue
		}
		p := ps[0]
		if p.Where() != c.where || !strings.Contains(p.Error(), c.says) || !strings.Contains(p.Hint, c.hint) {
			t.Errorf("%q:\n got %v (%s)\nwant %s: %s (%s)", c.text, p, p.Hint, c.where, c.says, c.hint)
		}
		if store.CodeOf(err) != store.Invalid || store.Hint(err) != p.Hint {
			t.Errorf("%q: code %s, hint %q", c.text, store.CodeOf(err), store.Hint(err))
		}
		if all := fmt.Sprintf("%v %+v %v", err, ps, p.Hint); strings.Contains(all, "CANARY") || strings.Contains(all, "s3cret") {
			t.Errorf("%q: the message gives a value away: %s", c.text, strings.ReplaceAll(all, "CANARY", "(secret)"))
		}
	}
}

func TestEveryProblemIsTold(t *testing.T) {
	text := "contxt: worker\nsources:\n  - clas: a.B\n  - class: a.B\n    cache_ttl: soon\n  - class: a.C\nserve:\n  port: 1\n"
	c, err := decode([]byte(text), "f", expand)
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatal(err)
	}
	var lines []int
	for _, p := range ps {
		lines = append(lines, p.Line)
	}
	if want := []int{1, 3, 5, 8}; !slices.Equal(lines, want) {
		t.Errorf("problems in lines %v, want %v: %v", lines, want, []*Problem(ps))
	}
	if !strings.Contains(err.Error(), "and 3 more") {
		t.Errorf("the error does not say that there are more: %v", err)
	}
	var valid []bool
	for i := range c.Sources {
		valid = append(valid, c.Sources[i].Valid())
	}
	if want := []bool{false, false, true}; !slices.Equal(valid, want) {
		t.Errorf("valid sources are %v, want %v", valid, want)
	}
}

func TestKwargsAreRedacted(t *testing.T) {
	c, err := decode([]byte(whole), "f", expand)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{c, &c, c.Sources, c.Sources[0], c.Sources[0].Kwargs} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%x", "s3cret")) {
				t.Errorf("%s of %T shows a value", verb, v)
			}
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if Find(dir) != "" {
		t.Error("Find found a file that is not there")
	}
	_, err := Load(path, "airlock.yaml", expand)
	if store.CodeOf(err) != store.Invalid || !strings.Contains(err.Error(), "airlock.yaml") {
		t.Errorf("Load of nothing = %v", err)
	}
	for _, c := range []struct {
		text string
		mode os.FileMode
		warn bool
	}{
		{"sources: [{class: a.B, kwargs: {token: s3cret}}]", 0o644, true},
		{"sources: [{class: a.B, kwargs: {token: s3cret}}]", 0o640, true},
		{"sources: [{class: a.B, kwargs: {token: s3cret}}]", 0o600, false},
		{"sources: [{class: a.B, kwargs: {token: '${TOKEN}'}}]", 0o644, false},
		{"sources: [{class: a.B, kwargs: '{\"secret_id\": \"s3cret\"}'}]", 0o644, true},
		{"sources: [{class: a.B, kwargs: {url: 'http://me:s3cret@h/'}}]", 0o644, true},
		{"sources: [{class: a.B, kwargs: {session_kwargs: {aws_secret_access_key: s3cret}}}]", 0o644, true},
		{"sources: [{class: a.B, kwargs: {token_path: /x, url: 'http://h/', variables_prefix: v, sep: '-'}}]", 0o644, false},
		{"context: worker", 0o644, false},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		f, err := Load(path, "airlock.yaml", expand)
		if err != nil || (len(f.Warnings) == 1) != c.warn || f.Dir != dir {
			t.Errorf("%s with mode %o: %v, %v", c.text, c.mode, f, err)
		}
		if err == nil && strings.Contains(fmt.Sprint(f.Warnings), "s3cret") {
			t.Error("the warning shows a value")
		}
	}
	if Find(dir) != path {
		t.Errorf("Find = %q, want %q", Find(dir), path)
	}
}

func TestFilesThatAreNotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "airlock.yml")
	if Misnamed(dir) != "" {
		t.Error("Misnamed found a file that is not there")
	}
	if err := os.WriteFile(path, make([]byte, mostBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if Misnamed(dir) != "airlock.yml" {
		t.Error("Misnamed does not find the file")
	}
	if _, err := Load(path, "f", expand); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("Load of a long file = %v", err)
	}
	if _, err := Load(dir, "f", expand); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("Load of a folder = %v", err)
	}
}

func TestProblemOf(t *testing.T) {
	text := "sources:\n  - class: a.B\n    kwargs:\n      mount_pont: x\n"
	c, err := decode([]byte(text), "f", expand)
	if err != nil {
		t.Fatal(err)
	}
	f := &File{Config: c, Path: "f"}
	for message, want := range map[string]string{
		"got an unexpected keyword argument 'mount_pont'": "f:4:7: sources[0].kwargs.mount_pont: got",
		"it could not be loaded":                          "f:2:5: sources[0].class: it could",
	} {
		if p := f.ProblemOf(0, errors.New(message)); !strings.HasPrefix(p.Error(), want) {
			t.Errorf("ProblemOf(%s) = %v, want %s", message, p, want)
		}
	}
}

// FuzzDecode checks that no text makes the decoder panic or hang, that every
// problem has a place and none shows what stands in the file.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{whole, "a: &x [*x]", "? a\n: b", "{a, b: , [c]: d}", "sources: [[{class: !!binary x}]]", "a: |\n b\n  c\n", "- - -\n-", "%YAML 1.2\n--- x", "\"\\u", "a: >+2\n\n", "<<: *a"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 {
			return
		}
		c, err := decode(text, "f", expand)
		var ps Problems
		if err != nil && !errors.As(err, &ps) {
			t.Fatalf("%T: %v", err, err)
		}
		for _, p := range ps {
			if p.Text == "" {
				t.Errorf("a problem without words: %+v", p)
			}
		}
		_ = fmt.Sprintf("%v %v", c, err)
	})
}
