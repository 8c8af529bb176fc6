package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// trap is a folder full of programs that somebody else wrote, each of which
// leaves a mark, and of settings that name them.
type trap struct {
	dir, home, marks string
	vault            string // answers 403 to everything
	azure            *azurefake.Server
	more             []string // variables of the user
}

// planted programs have the names of those that airlock, or a library of it,
// could look for.
var plantedPrograms = []string{"run", "python3", "python", "git", "az", "azd", "pwsh", "gcloud", "aws", "vault", "bao", "kubectl", "psql", "docker", "astro",
	"airflow", "sh", "bash", "env", "less", "more", "editor", "vi", "xdg-open", "tmux", "ip", "route", "ssh", "ssh-askpass", "docker-credential-run",
	"xclip", "xsel", "wl-paste", "bin/python3", "bin/git", "bin/az", "bin/run", ".venv/bin/python3", "git-ls-files", "hooks/post-index-change"}

func newTrap(t *testing.T) *trap {
	t.Helper()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
	}))
	t.Cleanup(refusing.Close)
	r := &trap{dir: t.TempDir(), home: t.TempDir(), marks: t.TempDir(), vault: refusing.URL, azure: azurefake.Start(t)}
	program := "#!/bin/sh\n/usr/bin/env > " + r.marks + "/$$\necho \"$0 $*\" >> " + r.marks + "/$$\n"
	python := "import os\nopen('" + r.marks + "/python', 'w').write(repr(dict(os.environ)))\n"
	files := map[string]string{"dags/d.py": python + "from airflow.sdk import Variable\nVariable.get('absent')\n",
		"aws.cfg":         "[default]\nregion = us-east-1\ncredential_process = " + r.command() + "\n[profile p]\nregion = us-east-1\ncredential_process = " + r.command() + "\n",
		".aws/config":     "[default]\nregion = us-east-1\ncredential_process = " + r.command() + "\n",
		"key.json":        r.account(),
		"more.txt":        "x\n",
		"pg_service.conf": "[s]\nhost=127.0.0.1\nport=1\npassfile=|" + r.dir + "/run\n", ".pgpass": "127.0.0.1:1:*:*:|run\n",
		"gitconfig":           "[core]\n\tfsmonitor = " + r.dir + "/run\n",
		".docker/config.json": `{"credsStore": "run"}`,
		".netrc":              "machine 127.0.0.1 login x password y macdef init\n!run\n",
	}
	for _, where := range []string{"gsdk/", ".config/gcloud/"} {
		files[where+"application_default_credentials.json"] = r.account()
	}
	for _, module := range []string{"sitecustomize", "usercustomize", "ast", "json", "sys", "encodings/__init__"} {
		files[module+".py"], files["dags/"+module+".py"] = python, python
	}
	for _, name := range plantedPrograms {
		files[name] = program
	}
	writeProject(t, r.dir, files)
	for _, name := range plantedPrograms {
		if err := os.Chmod(filepath.Join(r.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r.repository(t)
	return r
}

// repository makes the folder one whose configuration names the program
// everywhere.
func (r *trap) repository(t *testing.T) {
	t.Helper()
	git := func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = r.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.home}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
	git("init", "-q")
	config := "\n[core]\n"
	for _, key := range []string{"fsmonitor", "hooksPath", "pager", "editor", "sshCommand", "askPass", "gitProxy", "alternateRefsCommand"} {
		config += "\t" + key + " = " + r.dir + "/run\n"
	}
	config += "[pager]\n\tls-files = " + r.dir + "/run\n[diff]\n\texternal = " + r.dir + "/run\n[include]\n\tpath = " + r.dir + "/gitconfig\n" +
		"[filter \"x\"]\n\tclean = " + r.dir + "/run\n\tprocess = " + r.dir + "/run\n[diff \"x\"]\n\ttextconv = " + r.dir + "/run\n"
	f, err := os.OpenFile(filepath.Join(r.dir, ".git/config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(config)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	writeProject(t, r.dir, map[string]string{".gitattributes": "* filter=x diff=x\n"})
}

// command is what leaves a mark, with an argument that nothing may print.
func (r *trap) command() string { return r.dir + "/run " + canary + "argument" }

// account is a Google account whose token comes from a program.
func (r *trap) account() string {
	return `{"type":"external_account","audience":"//iam.googleapis.com/x","subject_token_type":"urn:ietf:params:oauth:token-type:jwt",` +
		`"token_url":"https://sts.googleapis.com/v1/token","credential_source":{"executable":{"command":"` + r.command() + `"}}}`
}

// variables are what the folder sets: all that a library, or a program that
// airlock starts, could take for a program or a place of programs.
func (r *trap) variables(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"PATH": r.dir + ":" + r.dir + "/bin:.", "HOME": r.dir, "XDG_CONFIG_HOME": r.dir + "/.config", "AIRLOCK_TRUST": "*",
		"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1", "GOOGLE_APPLICATION_CREDENTIALS": r.dir + "/key.json", "CLOUDSDK_CONFIG": r.dir + "/gsdk",
		"AWS_CONFIG_FILE": r.dir + "/aws.cfg", "AWS_SHARED_CREDENTIALS_FILE": r.dir + "/aws.cfg", "AZURE_CONFIG_DIR": r.dir,
		"AZURE_TOKEN_CREDENTIALS": "dev", "PYTHONPATH": r.dir, "PYTHONHOME": r.dir, "GIT_EXEC_PATH": r.dir, "GIT_CONFIG_GLOBAL": r.dir + "/gitconfig",
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": r.dir + "/run", "GIT_DIR": r.dir + "/.git",
		"DOCKER_CONFIG": r.dir + "/.docker", "DOCKER_HOST": "ssh://" + r.dir, "PGSERVICEFILE": r.dir + "/pg_service.conf", "PGSYSCONFDIR": r.dir,
		"PGPASSFILE": r.dir + "/.pgpass", "PGSERVICE": "s", "NETRC": r.dir + "/.netrc", "VIRTUAL_ENV": r.dir + "/.venv", "TMUX": r.dir + "/run,1,1"}
	for _, name := range []string{"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF",
		"GIT_PAGER", "GIT_EDITOR", "GIT_ASKPASS", "GIT_PROXY_COMMAND", "PYTHONSTARTUP", "PYTHON", "PAGER", "EDITOR", "VISUAL", "BROWSER", "SHELL",
		"BASH_ENV", "ENV", "SSH_ASKPASS", "PSQL_PAGER", "NODE_OPTIONS", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS", "LESSOPEN", "MANPAGER",
		"VAULT_AGENT_ADDR", "VAULT_TOKEN_HELPER", "CLOUDSDK_PYTHON", "AZURE_EXTENSION_DIR", "OPENSSL_CONF", "GCONV_PATH", "TERMINFO"} {
		all[name] = r.dir + "/run"
	}
	options, err := airflow.Options()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		if o.Sensitive {
			all[airflow.OptionEnv(o.Section, o.Key)+"_CMD"] = r.command()
		}
	}
	return all
}

// process is the environment of the user, who trusts every address, and has
// the current folder in PATH.
func (r *trap) process(more ...string) []string {
	return append([]string{"PATH=.:" + os.Getenv("PATH"), "HOME=" + r.home, "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=127.0.0.1",
		"NO_GCE_CHECK=true", "AWS_EC2_METADATA_DISABLED=true", "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:1", "REQUESTS_CA_BUNDLE=" + r.azure.CA,
		"AIRLOCK_TRUST=127.0.0.1,sts.googleapis.com,oauth2.googleapis.com,secretmanager.googleapis.com,iam.googleapis.com,sts.amazonaws.com,login.microsoftonline.com"}, more...)
}

// shape is a backend whose credentials could come from a program.
type shape struct {
	name, class, kwargs string
	// refused is what the error of a look-up must say; empty where the way to
	// the program ends before.
	refused string
}

func (r *trap) shapes() []shape {
	table := map[string]string{}
	for _, row := range stores.Known() {
		table[row.Service] = row.Class
	}
	google, _ := json.Marshal(r.account())
	const executable, process = "airlock did not run the executable of credential_source", "airlock did not run the credential_process"
	return []shape{
		{"Google's file as an object", table["gcp"], `{"project_id":"p","gcp_credential_config_file":` + r.account() + `}`, executable},
		{"Google's file as text", table["gcp"], `{"project_id":"p","gcp_credential_config_file":` + string(google) + `}`, executable},
		{"Google's file by its path", table["gcp"], `{"project_id":"p","gcp_credential_config_file":"` + r.dir + `/key.json"}`, executable},
		{"Google's file by its name", table["gcp"], `{"project_id":"p","gcp_credential_config_file":"key.json","impersonation_chain":"a@p.iam.gserviceaccount.com"}`, executable},
		{"Google's default credentials", table["gcp"], `{"project_id":"p"}`, executable},
		{"Parameter Store", table["ssm"], `{"region_name":"us-east-1","endpoint_url":"` + r.vault + `"}`, process},
		{"Parameter Store by a role", table["ssm"], `{"region_name":"us-east-1","endpoint_url":"` + r.vault + `","role_arn":"arn:aws:iam::1:role/x"}`, process},
		{"Secrets Manager by a profile", table["secretsmanager"], `{"region_name":"us-east-1","profile_name":"p","endpoint_url":"` + r.vault + `"}`, process},
		{"Vault by AWS", table["vault"], `{"url":"` + r.vault + `","auth_type":"aws_iam","role_id":"r"}`, process},
		{"Vault by Google", table["vault"], `{"url":"` + r.vault + `","auth_type":"gcp","role_id":"r","gcp_scopes":"https://www.googleapis.com/auth/cloud-platform"}`, ""},
		{"Vault by Google's file", table["vault"], `{"url":"` + r.vault + `","auth_type":"gcp","role_id":"r","gcp_key_path":"` + r.dir + `/key.json"}`, ""},
		{"Key Vault", table["azure"], `{"vault_url":"` + r.azure.URL + `"}`, ""},
		{"a file", table["localfile"], `{"variables_file_path":"` + r.dir + `/run","connections_file_path":"|` + r.dir + `/run"}`, ""},
		{"no backend", "", `{}`, ""},
	}
}

// trapPlaces write a shape and the variables into the folder.
var trapPlaces = map[string]func(r *trap, s shape, variables map[string]string) map[string]string{
	".env": func(_ *trap, s shape, variables map[string]string) map[string]string {
		return map[string]string{".env": assignments("", withBackend(s, variables))}
	},
	"Dockerfile": func(_ *trap, s shape, variables map[string]string) map[string]string {
		return map[string]string{"Dockerfile": "FROM x\n" + assignments("ENV ", withBackend(s, variables))}
	},
	"airflow.cfg": func(r *trap, s shape, variables map[string]string) map[string]string {
		variables = maps.Clone(variables)
		variables["AIRFLOW_HOME"] = r.dir
		cfg := map[string]string{"secrets": "backend = " + s.class + "\nbackend_kwargs = " + s.kwargs + "\n"}
		for name, value := range variables {
			if section, key, ok := strings.Cut(strings.TrimPrefix(name, "AIRFLOW__"), "__"); ok && strings.HasSuffix(key, "_CMD") {
				delete(variables, name)
				cfg[strings.ToLower(section)] += strings.ToLower(key) + " = " + value + "\n"
			}
		}
		text := ""
		for _, section := range slices.Sorted(maps.Keys(cfg)) {
			text += "[" + section + "]\n" + cfg[section]
		}
		return map[string]string{".env": assignments("", variables), "airflow.cfg": text}
	},
	"airlock.yaml": func(_ *trap, s shape, variables map[string]string) map[string]string {
		text := "sources: []\n"
		if s.class != "" {
			text = "sources:\n  - class: " + s.class + "\n    kwargs: '" + s.kwargs + "'\n"
		}
		return map[string]string{".env": assignments("", variables), "airlock.yaml": text}
	},
}

func withBackend(s shape, variables map[string]string) map[string]string {
	variables = maps.Clone(variables)
	variables["AIRFLOW__SECRETS__BACKEND"], variables["AIRFLOW__SECRETS__BACKEND_KWARGS"] = s.class, s.kwargs
	return variables
}

func assignments(before string, variables map[string]string) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		text += before + name + "='" + variables[name] + "'\n"
	}
	return text
}

// settle writes one variant's settings, and none of another's.
func (r *trap) settle(t *testing.T, files map[string]string) {
	t.Helper()
	for _, name := range []string{".env", "Dockerfile", "airflow.cfg", "airlock.yaml", ".airlock"} {
		if err := os.RemoveAll(filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	writeProject(t, r.dir, files)
}

// run runs a command and fails where it left a mark. It returns what was
// printed.
func (r *trap) run(t *testing.T, variant, command string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out said
	args := strings.Split(command, " ")
	if args[0] == "serve" {
		out.when, out.do = "stop with Ctrl-C", func(text string) { go func() { askDaemon(text); cancel() }() }
	}
	code := Main(Env{Context: ctx, Args: args, Dir: r.dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Environ: r.process(r.more...)})
	if code == 2 && !strings.Contains(out.String(), "no secrets backend is configured") {
		t.Errorf("%s: %s is no command line: %s", variant, command, strings.ReplaceAll(out.String(), canary, ""))
	}
	r.unmarked(t, variant+": "+command)
	return out.String()
}

// unmarked fails where a program ran.
func (r *trap) unmarked(t *testing.T, what string) {
	t.Helper()
	for _, name := range r.takeMarks(t) {
		t.Errorf("%s: a program of the folder ran: %s", what, name)
	}
}

// takeMarks returns who ran, and forgets it.
func (r *trap) takeMarks(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(r.marks + "/*")
	if err != nil {
		t.Fatal(err)
	}
	var who []string
	for _, path := range found {
		text, _ := os.ReadFile(path)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		who = append(who, strings.ReplaceAll(lines[len(lines)-1], canary, "the "))
		_ = os.Remove(path)
	}
	return who
}

// said gathers output, and calls do once when it holds a text.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
	when string
	do   func(string)
}

// Write implements io.Writer.
func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if do := s.do; do != nil && strings.Contains(s.text.String(), s.when) {
		s.do = nil
		do(s.text.String())
	}
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

var daemonAnswers = regexp.MustCompile(`"url": ?"([^"]+)"[^\n]*"token": ?"([^"]+)"|"token": ?"([^"]+)"[^\n]*"url": ?"([^"]+)"`)

// askDaemon has a daemon ask its sources.
func askDaemon(text string) {
	m := daemonAnswers.FindStringSubmatch(text)
	if m == nil {
		return
	}
	req, err := http.NewRequest(http.MethodGet, m[1]+m[4]+"/v1/secret/data/variables/absent", nil)
	if err != nil {
		return
	}
	req.Header.Set("X-Vault-Token", m[2]+m[3])
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
