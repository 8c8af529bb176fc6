package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// ran is what a command did.
type ran struct {
	code           int
	stdout, stderr string
}

// run runs one command in dir.
func run(t *testing.T, dir string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(Env{Context: t.Context(), Args: args, Dir: dir, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AIRFLOW_HOME=" + dir}})
	return ran{code, stdout.String(), stderr.String()}
}

func (r ran) want(t *testing.T, what string, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("%s: exit code %d, want %d: %s", what, r.code, code, r.stderr)
	}
	for _, s := range says {
		if !strings.Contains(r.stderr, s) {
			t.Errorf("%s says %q, want %q in it", what, r.stderr, s)
		}
	}
}

// ownChanges are the commands that change the own store; they can be run one
// after the other.
var ownChanges = [][]string{
	{"variables", "set", "k", "CANARY-new"},
	{"variables", "set", "k", "CANARY-newer", "--description", "d"},
	{"variables", "delete", "k"},
	{"connections", "add", "other", "--conn-uri", "http://u:CANARY-p@h"},
	{"connections", "delete", "db"},
	{"client", "add", "second"},
	{"client", "extend", "first", "--ttl", "24h"},
	{"client", "rotate", "first"},
	{"client", "revoke", "first"},
}

func TestCommandsChangeNothingWithoutALine(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, ".airlock")
	log := filepath.Join(data, audit.FileName)
	for _, args := range [][]string{{"variables", "set", "k", "old"}, {"connections", "add", "db", "--conn-uri", "http://h"}, {"client", "add", "first"}} {
		run(t, dir, args...).want(t, strings.Join(args, " "), 0)
	}
	if err := errors.Join(os.Remove(log), os.Mkdir(log, 0o700)); err != nil {
		t.Fatal(err)
	}
	before := servertest.Dump(t, data)
	for _, args := range ownChanges {
		got := run(t, dir, args...)
		got.want(t, strings.Join(args, " "), 5, "nothing was changed", log, "hint:")
		if got.stdout != "" {
			t.Errorf("%v prints %q", args, got.stdout)
		}
	}
	run(t, dir, "variables", "get", "k").want(t, "a read", 0) // it needs no line
	if after := servertest.Dump(t, data); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	for _, args := range ownChanges {
		before := servertest.Dump(t, data)
		run(t, dir, args...).want(t, strings.Join(args, " "), 0)
		if servertest.Dump(t, data) == before {
			t.Errorf("%v changes nothing in this test", args)
		}
	}
	wantLines(t, log, `write variable k intended, write variable k written, write variable k intended, write variable k written, `+
		`annotate variable k intended, annotate variable k annotated, delete variable k intended, delete variable k deleted, `+
		`write connection other intended, write connection other written, delete connection db intended, delete connection db deleted, `+
		`write client second intended, write client second written, write client first intended, write client first written, `+
		`write client first intended, write client first written, `+
		`delete client first intended, delete client first deleted`)
}

func wantLines(t *testing.T, path, want string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(b)) {
		var e struct{ Request, Principal, Protocol, Action, Kind, Name, Outcome string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Request == "" || e.Principal == "" || e.Protocol != "cli" {
			t.Errorf("%s: %v", line, err)
		}
		got = append(got, strings.Join([]string{e.Action, e.Kind, e.Name, e.Outcome}, " "))
	}
	if all := strings.Join(got, ", "); all != want {
		t.Errorf("the log has\n%s\nwant\n%s", all, want)
	}
	if strings.Contains(string(b), "CANARY-") {
		t.Error("the log holds a value")
	}
}

// TestTheOwnStoreIsOpenedInOnePlace keeps it with its journal.
func TestTheOwnStoreIsOpenedInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		opens := strings.Count(string(b), "sqlstore.Open")
		switch {
		case strings.HasSuffix(name, "_test.go"):
		case name == "session.go" && opens != 1:
			t.Errorf("%s opens the own store in %d places, want openEmbedded alone", name, opens)
		case name != "session.go" && opens != 0:
			t.Errorf("%s opens the own store itself: let openEmbedded do it", name)
		}
	}
}

// daemon serves dir's data folder until the test ends.
func daemon(t *testing.T, dir string) server.Info {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan server.Info, 1), make(chan error, 1)
	go func() {
		done <- server.Run(ctx, server.Config{DataDir: filepath.Join(dir, ".airlock"), Listen: "127.0.0.1:0", Ready: func(i server.Info) { ready <- i }})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	select {
	case i := <-ready:
		return i
	case err := <-done:
		done <- nil
		t.Fatalf("serve: %v", err)
		return server.Info{}
	}
}

// status is what the daemon answers to a token.
func status(t *testing.T, i server.Info, token string) int {
	t.Helper()
	q, err := http.NewRequest("GET", i.URL+"/v1/secret/data/variables/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Vault-Token", token)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func TestAccessEndsAlsoWhereThatCannotBeStored(t *testing.T) {
	for _, verb := range []string{"revoke", "rotate"} {
		t.Run(verb, func(t *testing.T) {
			dir := t.TempDir()
			log := filepath.Join(dir, ".airlock", audit.FileName)
			run(t, dir, "variables", "set", "k", "v").want(t, "set", 0)
			added := run(t, dir, "client", "add", "airflow")
			token := strings.TrimPrefix(strings.TrimSpace(added.stdout), "token ")
			i := daemon(t, dir)
			if got := status(t, i, token); got != http.StatusOK {
				t.Fatalf("before: status %d", got)
			}
			if err := errors.Join(os.Rename(log, log+".moved"), os.Mkdir(log, 0o700)); err != nil {
				t.Fatal(err)
			}
			got := run(t, dir, "client", verb, "airflow")
			got.want(t, verb, 5, "the client can no longer log in until the daemon restarts", "could not be stored",
				"hint:", "run again, before the daemon restarts: airlock client "+verb+" airflow")
			if got.stdout != "" {
				t.Errorf("%s prints %q", verb, got.stdout)
			}
			if got := status(t, i, token); got != http.StatusForbidden {
				t.Errorf("after: status %d, want that the token is refused", got)
			}
			run(t, dir, "client", verb, "airflow").want(t, verb+" once more", 5, "can no longer log in")
			run(t, dir, "client", verb, "nobody").want(t, verb+" of nobody", 3, "not found")
			if err := os.Remove(log); err != nil {
				t.Fatal(err)
			}
			// Another change of the clients does not bring it back.
			run(t, dir, "client", "add", "other").want(t, "add", 0)
			if got := status(t, i, token); got != http.StatusForbidden {
				t.Errorf("after another change: status %d", got)
			}
			again := run(t, dir, "client", verb, "airflow")
			again.want(t, verb+" again", 0)
			if fresh, ok := strings.CutPrefix(strings.TrimSpace(again.stdout), "token "); ok != (verb == "rotate") || ok && status(t, i, fresh) != http.StatusOK {
				t.Errorf("%s again prints %q, want credentials that are good after a rotation only", verb, again.stdout)
			}
			if got := status(t, i, token); got != http.StatusForbidden {
				t.Errorf("in the end: status %d", got)
			}
		})
	}
}

func TestWithoutADaemonAFailedRevokeSaysThatTheClientIsGood(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, ".airlock", audit.FileName)
	run(t, dir, "client", "add", "airflow").want(t, "add", 0)
	if err := errors.Join(os.Remove(log), os.Symlink("/dev/full", log)); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "client", "revoke", "airflow").want(t, "revoke", 5, "the client can still log in", "not a regular file", "hint: then run again: airlock client revoke airflow")
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	lock, err := sqlstore.Lock(filepath.Dir(log)) // of a daemon that does not answer
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, verb := range []string{"revoke", "rotate"} {
		got := run(t, dir, "client", verb, "airflow")
		got.want(t, verb+" of a store that does not open", 5, "the client can still log in", "hint:", "then run again: airlock client "+verb+" airflow")
	}
}
