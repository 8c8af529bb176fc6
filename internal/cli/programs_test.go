package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// lookUps are commands that ask a store.
var lookUps = []string{"variables get absent", "connections list", "config get-value core fernet_key", "variables set absent x", "__complete variables get "}

// trapCommands are the words of every other command that is quick.
var trapCommands = []string{
	"variables get absent --context server", "variables list", "variables delete absent", "connections get absent",
	"connections add absent --conn-uri http://h", "connections delete absent", "connections lint http://h", "connections convert more.txt",
	"config get-value database sql_alchemy_conn", "config validate", "explain variable absent", "explain connection absent",
	"render env --variables absent", "exec --strict --variables absent -- true", "client list", "client add x", "client revoke x", "client rotate x",
	"client extend x --ttl 1h",
	"init vault --url https://vault.example.com --dry-run", "init ssm --dry-run --region-name us-east-1", "init gcp --dry-run --project-id my-project", "init secretsmanager --dry-run --region-name us-east-1",
	"init azure --dry-run --vault-url https://v.vault.azure.net", "trust --list", "version", "man " + os.DevNull,
	"__complete connections get ", "__complete exec --variables ", "check --live --dry-run", "check --live", "serve --listen 127.0.0.1:0 --dev",
}

// readers start Python and git, and read all files of the folder.
var readers = []string{"check", "check --fix", "exec --strict --from-dags=dags -- true"}

// TestFoldersRunNothing: whatever a folder says, in whichever file, no command
// runs a program of it, also where the user trusts every address.
func TestFoldersRunNothing(t *testing.T) {
	r := newTrap(t)
	t.Setenv("PATH", ".:"+os.Getenv("PATH"))
	t.Chdir(r.dir)
	variables, everywhere := r.variables(t), map[string]string{}
	for i, place := range slices.Sorted(maps.Keys(trapPlaces)) {
		shapes := r.shapes()
		for _, s := range shapes {
			r.settle(t, trapPlaces[place](r, s, variables))
			for _, command := range lookUps {
				said := r.run(t, place+", "+s.name, command)
				if strings.Contains(said, canary) {
					t.Errorf("%s in %s: %q prints the command", s.name, place, command)
				}
				if command == "variables get absent" && s.refused != "" && !strings.Contains(said, s.refused) {
					t.Errorf("%s in %s: %q does not say that a program was not run: %s", s.name, place, command, said)
				}
			}
			if r.more = []string{"AIRFLOW_VAR_ABSENT=of a later layer"}; s.refused != "" {
				if said := r.run(t, place+", "+s.name, "variables get absent"); strings.Contains(said, "later layer") {
					t.Errorf("%s in %s: another layer answers in place of the one that needs a program", s.name, place)
				}
			}
			r.more = nil
		}
		files := trapPlaces[place](r, shapes[i*2], variables) // Google's, AWS's, Vault's
		r.settle(t, files)
		for _, command := range trapCommands {
			r.run(t, place, command)
		}
		maps.Copy(everywhere, files)
	}
	r.settle(t, everywhere)
	t.Setenv("PATH", r.dir+"/bin:"+r.dir+"/.venv/bin:"+os.Getenv("PATH")) // as it is in an activated .venv
	for _, command := range readers {
		r.run(t, "every place", command)
	}
}

// TestEveryCommandMeetsTheTrap: a new command belongs into the lists above.
func TestEveryCommandMeetsTheTrap(t *testing.T) {
	list := slices.Concat(lookUps, trapCommands, readers)
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), "airlock ")
		if c.Runnable() && !c.HasSubCommands() && !slices.ContainsFunc(list, func(s string) bool { return s == path || strings.HasPrefix(s, path+" ") }) {
			t.Errorf("no trap is set for %q", path)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}

// TestNoSettingRunsAProgram sets each kwarg of each class, and each variable
// that any driver asks for, to what other programs take for a command.
func TestNoSettingRunsAProgram(t *testing.T) {
	r := newTrap(t)
	t.Setenv("PATH", ".:"+os.Getenv("PATH"))
	t.Chdir(r.dir)
	values := []string{r.command(), "|" + r.command(), "$(" + r.command() + ")", "`" + r.command() + "`", "exec:" + r.command(), "file://" + r.dir + "/run", r.dir + "/aws.cfg", r.dir + "/key.json", r.dir}
	objects := []string{r.account(), `{"executable":{"command":"` + r.command() + `"}}`, `{"credential_process":"` + r.command() + `"}`, `["` + r.dir + `/run"]`}
	base, asked := map[string]string{}, map[string]bool{}
	classes := map[string]string{}
	for _, s := range r.shapes() {
		if s.class != "" && base[s.class] == "" {
			base[s.class] = s.kwargs
		}
		for _, name := range asksFor(t, s) {
			asked[name], classes[name] = true, s.class
		}
	}
	if len(asked) < 40 {
		t.Errorf("the drivers ask for %d variables only: %v", len(asked), asked)
	}
	variables, n := r.variables(t), 0
	next := func() string { n++; return values[n%len(values)] }
	try := func(what string, s shape, variables map[string]string) {
		all := []string{".env", "Dockerfile", "airflow.cfg", "airlock.yaml"}
		n++
		place := all[n%len(all)]
		r.settle(t, trapPlaces[place](r, s, variables))
		r.run(t, what+" in "+place, "variables get absent")
	}
	for _, row := range stores.Known() {
		for _, kwarg := range row.Kwargs {
			for _, value := range []string{quote(next()), objects[n%len(objects)]} {
				kwargs, err := pyjson.Decode(base[row.Class])
				v, err2 := pyjson.Decode(value)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				kwargs.(*pyjson.Object).Set(kwarg, v)
				try(row.Service+", "+kwarg, shape{class: row.Class, kwargs: pyjson.Encode(kwargs)}, variables)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		changed := maps.Clone(variables)
		changed[name] = next()
		try(name, shape{class: classes[name], kwargs: base[classes[name]]}, changed)
	}
}

func quote(text string) string { b, _ := json.Marshal(text); return string(b) }

// asksFor lists the variables that a driver asks for during a look-up.
func asksFor(t *testing.T, s shape) []string {
	t.Helper()
	if s.class == "" {
		return nil
	}
	var mu sync.Mutex
	asked := map[string]bool{}
	kwargs, err := pyjson.Decode(s.kwargs)
	if err != nil {
		t.Fatal(err)
	}
	b, err := stores.Known().Open(s.class, kwargs.(*pyjson.Object), stores.Env{Dir: t.TempDir(), Getenv: func(name string) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		asked[name] = true
		v, ok := map[string]string{"NO_GCE_CHECK": "true", "AWS_EC2_METADATA_DISABLED": "true", "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}[name]
		return v, ok
	}}, false)
	if err == nil {
		_, _ = b.Store.Get(t.Context(), "absent")
		_ = b.Store.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	return slices.Collect(maps.Keys(asked))
}

// TestTheUserRunsPrograms: the same settings from the process environment, from
// an airflow.cfg that it names, and from a file that --config names, do run.
func TestTheUserRunsPrograms(t *testing.T) {
	r := newTrap(t)
	const permit = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"
	own := t.TempDir()
	google, process := r.shapes()[0], r.shapes()[5]
	writeProject(t, own, map[string]string{"key.json": r.account(), "aws.cfg": "[default]\ncredential_process = " + r.command() + "\n",
		"home/airflow.cfg": "[secrets]\nbackend = " + google.class + "\nbackend_kwargs = " + google.kwargs + "\n[core]\nfernet_key_cmd = " + r.command() + "\n",
		"own.yaml":         "sources:\n  - class: " + google.class + "\n    kwargs: '" + google.kwargs + "'\n",
		"mixed.yaml":       "sources:\n  - class: " + google.class + "\n    kwargs: '" + strings.Replace(google.kwargs, `"p"`, `"$PROJECT"`, 1) + "'\n"})
	backend := func(s shape) []string {
		return []string{"AIRFLOW__SECRETS__BACKEND=" + s.class, "AIRFLOW__SECRETS__BACKEND_KWARGS=" + s.kwargs}
	}
	for _, tt := range []struct {
		name, command string
		environ       []string
		runs          bool
	}{
		{"kwargs", "variables get absent", append(backend(google), permit), true},
		{"kwargs, not permitted", "variables get absent", backend(google), false},
		{"a file", "variables get absent", append(backend(shape{class: google.class, kwargs: `{"project_id":"p","gcp_credential_config_file":"` + own + `/key.json"}`}), permit), true},
		{"default credentials", "variables get absent", append(backend(shape{class: google.class, kwargs: `{"project_id":"p"}`}), permit, "GOOGLE_APPLICATION_CREDENTIALS="+own+"/key.json"), true},
		{"AWS_CONFIG_FILE", "variables get absent", append(backend(process), "AWS_CONFIG_FILE="+own+"/aws.cfg"), true},
		{"AWS_CONFIG_FILE in the folder", "variables get absent", append(backend(process), "AWS_CONFIG_FILE="+r.dir+"/aws.cfg"), false},
		{"AIRFLOW_HOME", "variables get absent", []string{permit, "AIRFLOW_HOME=" + own + "/home"}, true},
		{"_CMD", "config get-value core fernet_key", []string{"AIRFLOW__CORE__FERNET_KEY_CMD=" + r.command()}, true},
		{"_cmd of AIRFLOW_HOME", "config get-value core fernet_key", []string{"AIRFLOW_HOME=" + own + "/home"}, true},
		{"--config", "variables get absent --config " + own + "/own.yaml", []string{permit}, true},
		{"--config with a variable of the process", "variables get absent --config " + own + "/mixed.yaml", []string{permit, "PROJECT=p"}, true},
		{"--config with a variable of the folder", "variables get absent --config " + own + "/mixed.yaml", []string{permit}, false},
	} {
		r.settle(t, map[string]string{".env": "PROJECT=p\nLD_PRELOAD=" + r.dir + "/run\n"})
		var out bytes.Buffer
		Main(Env{Context: t.Context(), Args: strings.Split(tt.command, " "), Dir: r.dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			Environ: r.process(tt.environ...)})
		if who := r.takeMarks(t); (len(who) > 0) != tt.runs {
			t.Errorf("%s: the program ran: %v, want %v: %s", tt.name, len(who) > 0, tt.runs, strings.ReplaceAll(fmt.Sprint(out.String()), canary, ""))
		}
	}
}
