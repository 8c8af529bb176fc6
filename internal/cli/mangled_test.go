package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

const (
	mangledSeed     = 20261201
	mangledProjects = 500
)

// number is a number of the environment, for a search by hand among other seeds:
// AIRLOCK_MANGLED_SEED=1 AIRLOCK_MANGLED_PROJECTS=20000 go test -run Mangled ./internal/cli
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestMangledProjectsLeakNothing writes projects with mistakes in them, with a
// canary in the place of each secret, and searches the output of all commands for
// parts of one.
func TestMangledProjectsLeakNothing(t *testing.T) {
	seed, projects := number(t, "AIRLOCK_MANGLED_SEED", mangledSeed), number(t, "AIRLOCK_MANGLED_PROJECTS", mangledProjects)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refusing.Close)
	process := catchStderr(t)
	var (
		next, done atomic.Uint64
		group      sync.WaitGroup
		ran        sync.Map
		all        = newMangler(seed, 0)
		lock       sync.Mutex
	)
	for range 8 {
		dir := t.TempDir()
		group.Go(func() {
			for n := next.Add(1) - 1; n < projects; n = next.Add(1) - 1 {
				r := mangledRun{t: t, mangler: newMangler(seed, n), number: n, dir: filepath.Join(dir, "project"), home: filepath.Join(dir, "home"), proxy: refusing.URL}
				for _, words := range r.all() {
					ran.Store(words, true)
				}
				lock.Lock()
				all.canaries = append(all.canaries, r.canaries...)
				lock.Unlock()
				done.Add(1)
			}
		})
	}
	group.Wait()
	if n := len(partsIn(process(), all.grams())); n > 0 {
		t.Errorf("the standard error of the process has %d parts of secrets", n)
	}
	if done.Load() != projects {
		t.Errorf("%d of %d projects ran", done.Load(), projects)
	}
	if projects < mangledProjects {
		return
	}
	for _, c := range commandsBelow((&app{}).root()) {
		if _, ok := ran.Load(c.CommandPath()); !ok && c.Runnable() {
			t.Errorf("%s was never run", c.CommandPath())
		}
	}
}

// catchStderr keeps what libraries write to the standard error of the process.
func catchStderr(t *testing.T) func() string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = f
	t.Cleanup(func() { os.Stderr = before; _ = f.Close() })
	return func() string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
}

// mangledRun is one project and the commands that are run in it.
type mangledRun struct {
	t *testing.T
	*mangler
	number           uint64
	dir, home, proxy string
}

// always is run in every project; of everything else some.
var always = []string{"check -o json", "config validate", "variables get k", "explain variable k"}

const furtherCommands = 7

// invocations are how a command is called where it takes more than an id or
// nothing; URI, TEXT and JSON stand for secrets where a name belongs, and WORD for one where a
// word of ours does.
var invocations = map[string][]string{
	"airlock check":               {"check", "check -o json", "check -o sarif", "check --fix", "check --fix --yes", "check --live", "check --live --dry-run", "check URI", "check . -o WORD", "check --list"},
	"airlock config get-value":    {"config get-value core fernet_key", "config get-value database sql_alchemy_conn", "config get-value URI k", "config get-value core URI"},
	"airlock config validate":     {"config validate", "config validate --config URI", "config validate --config airlock.yaml", "config validate --context WORD"},
	"airlock explain":             {"explain connection db", "explain variable n -o json", "explain variable URI", "explain config core.fernet_key", "explain config URI", "explain URI k", "explain connection JSON", "explain connection missing"},
	"airlock variables get":       {"variables get k", "variables get missing", "variables get URI", "variables get n --default TEXT", "variables get k --context server", "variables get JSON"},
	"airlock variables set":       {"variables set URI v", "variables set k", "variables set JSON v"},
	"airlock variables list":      {"variables list", "variables list -o json"},
	"airlock connections list":    {"connections list", "connections list -o json"},
	"airlock connections get":     {"connections get db", "connections get b -o json", "connections get URI", "connections get missing"},
	"airlock connections add":     {"connections add URI", "connections add x --conn-uri URI", "connections add URI --conn-json JSON", "connections add x --conn-json {WORD", "connections add x --conn-host h --conn-port WORD"},
	"airlock connections lint":    {"connections lint db", "connections lint URI", "connections lint JSON", "connections lint --conn-uri URI", "connections lint --conn-json JSON -o json", "connections lint b -o json", "connections lint --file .env", "connections lint --file connections.json"},
	"airlock connections convert": {"connections convert db", "connections convert URI", "connections convert --to WORD db"},
	"airlock exec":                {"exec --all -- HOME/not-a-program", "exec --from-dags -- HOME/not-a-program", "exec --variables URI -- HOME/not-a-program", "exec --variables k -- URI", "exec --options URI -- HOME/not-a-program"},
	"airlock render":              {"render env --all", "render helm --from-dags", "render URI --all", "render env --connections URI", "render env --variables k,TEXT=x", "render kubernetes --all --name URI"},
	"airlock serve":               {"serve --listen 127.0.0.1:0", "serve --listen URI", "serve --listen 127.0.0.1:0 --host URI", "serve --dev --listen TEXT", "serve --cache-ttl WORD"},
	"airlock client add":          {"client add URI", "client add x --ttl WORD"},
	"airlock init":                {"init URI", "init vault --url URI", "init WORD"},
	"airlock init vault":          {"init vault --url URI --dry-run", "init vault --url http://127.0.0.1:1 --dry-run --yes", "init vault --auth-type WORD --url http://127.0.0.1:1 --yes"},
	"airlock trust":               {"trust URI", "trust --list", "trust TEXT", "trust 127.0.0.1:1"},
	"airlock completion":          {"completion WORD"},
	"airlock":                     {"URI", "WORD", "--WORD", "-xWORD", "variables URI", "help URI", "variables get --WORD=x", "variables get -xWORD", "--context WORD variables list", "--data-dir URI variables list", "--config URI variables list", "connections get a URI"},
	"airlock __complete":          {"__complete variables get ", "__complete connections lint ", "__complete explain variable ", "__complete render env --variables k,", "__complete URI "},
}

// answersValues are commands whose answer is a value, or names as a store has them.
// Their standard error is as everybody's.
var answersValues = []string{"variables get", "connections get", "config get-value", "render ", "connections convert"}

// asksStores are the commands that ask what is configured.
var asksStores = regexp.MustCompile(`^(variables|connections|config get-value|explain|exec|render|check --live|__complete) ?`)

// plain is how a command is called that is not listed above.
func plain(c *cobra.Command) []string {
	path := strings.TrimPrefix(c.CommandPath(), "airlock ")
	return []string{path, path + " k", path + " URI", path + " TEXT"}
}

// all runs some commands, and returns the paths of those that it ran.
func (r *mangledRun) all() []string {
	files := r.project()
	candidates := map[string]string{}
	for _, c := range commandsBelow((&app{}).root()) {
		lines, ok := invocations[c.CommandPath()]
		if !ok && c.Runnable() {
			lines = plain(c)
		}
		for _, line := range lines {
			candidates[line] = c.CommandPath()
		}
	}
	for _, line := range invocations["airlock __complete"] {
		candidates[line] = "airlock __complete"
	}
	lines := slices.Sorted(maps.Keys(candidates))
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	var ran []string
	for _, line := range append(slices.Clone(always), lines[:furtherCommands]...) {
		r.run(files, line)
		ran = append(ran, candidates[line])
	}
	return ran
}

// words are the arguments that a line stands for.
func (r *mangledRun) words(line string) []string {
	words := strings.Split(line, " ")
	for i, w := range words {
		w = strings.ReplaceAll(w, "HOME", r.home)
		switch {
		case strings.Contains(w, "URI"):
			w = strings.ReplaceAll(w, "URI", fmt.Sprintf(r.uri(), r.canary()))
		case strings.Contains(w, "TEXT"):
			w = strings.ReplaceAll(w, "TEXT", one(r.mangler, "%s=", "=%s", "%s@h", `"%s"`, "{%s}", "x:/%s", "pw=%s"))
			w = strings.ReplaceAll(w, "%s", r.canary())
		case strings.Contains(w, "WORD"):
			w = strings.ReplaceAll(w, "WORD", one(r.mangler, "%s", "pw:%s", "%s=x", "a b %s"))
			w = strings.ReplaceAll(w, "%s", r.canary())
		case strings.Contains(w, "JSON"):
			w = strings.ReplaceAll(w, "JSON", `{"conn_type": "http", "password": "`+r.canary()+`"`+one(r.mangler, "}", ""))
		}
		words[i] = w
	}
	return words
}

// until cancels once a text is written.
type until struct {
	bytes.Buffer
	mark   string
	cancel func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Buffer.Write(b)
	if strings.Contains(u.String(), u.mark) {
		u.cancel()
	}
	return n, err
}

func (r *mangledRun) run(files map[string]string, line string) {
	for _, dir := range []string{r.dir, r.home} {
		if err := os.RemoveAll(dir); err != nil {
			r.t.Error(err)
		}
	}
	for name, text := range files {
		r.write(filepath.Join(r.dir, name), text)
	}
	r.write(filepath.Join(r.home, "not-a-program"), "\x00")
	args := r.words(line)
	wait := time.Minute
	if asksStores.MatchString(line) {
		wait = time.Second // nobody answers, and some clients try again and again
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), wait)
	defer cancel()
	var stdout bytes.Buffer
	stderr := until{mark: "airlock: serving ", cancel: cancel}
	Main(Env{Context: ctx, Args: args, Dir: r.dir, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Environ: r.environ()})
	out := stderr.String()
	if !slices.ContainsFunc(answersValues, func(s string) bool { return strings.HasPrefix(line, s) }) {
		out += "\n-- standard output --\n" + stdout.String()
	}
	if at := partsIn(out, r.grams()); len(at) > 0 {
		r.t.Errorf("project %d: %q prints a part of a secret%s%s", r.number, line, culprits(stdout.Bytes(), ""), r.evidence(out, files, args))
	}
}

func (r *mangledRun) environ() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.home, "VAULT_TOKEN=" + r.canary(), "AIRFLOW_CONN_P=postgres://u:" + r.canary() + "/@h", "AIRFLOW__CORE__FERNET_KEY=" + r.canary(),
		"HTTP_PROXY=" + r.proxy, "HTTPS_PROXY=" + r.proxy, "NO_PROXY=", "AWS_EC2_METADATA_DISABLED=true", "NO_GCE_CHECK=true", "AIRLOCK_TRUST=127.0.0.1:1,vault:8200,etl.vault.azure.net:443"}
}

func (r *mangledRun) write(path, text string) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Error(err)
	}
	mode := os.FileMode(0o600)
	if strings.HasSuffix(path, "program") {
		mode = 0o700
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		r.t.Error(err)
	}
}

// evidence is the output and the project, for a search by hand: the canaries
// are made up, but a log of a test shows none.
func (r *mangledRun) evidence(out string, files map[string]string, args []string) string {
	dir := os.Getenv("AIRLOCK_MANGLED_DIR")
	if dir == "" {
		return ""
	}
	var b strings.Builder
	for _, at := range partsIn(out, r.grams()) {
		fmt.Fprintf(&b, "LEAK %q\n", out[max(0, at-150):min(len(out), at+50)])
		break
	}
	fmt.Fprintf(&b, "%q\n%s\n", args, out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "-- %s --\n%s\n", name, files[name])
	}
	path := filepath.Join(dir, fmt.Sprintf("%d-%x", r.number, r.Uint64()))
	r.write(path, b.String())
	return ", see " + path
}
