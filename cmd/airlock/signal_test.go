//go:build !race

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const vaultBackend = "AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend"

// place is a folder of its own with what a command waits for.
type place struct {
	dir  string
	env  []string
	hung string // the address of a server that accepts and says nothing
}

func newPlace(t *testing.T) *place {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := &place{dir: dir, hung: l.Addr().String()}
	p.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.path("home"), "AIRFLOW_HOME=" + p.path("airflow"), "XDG_STATE_HOME=" + p.path("state"),
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	for _, name := range []string{"home", "airflow", "state/airlock"} {
		if err := os.MkdirAll(p.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(p.path(name)), 0o700), os.WriteFile(p.path(name), []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}

func (p *place) pipe(t *testing.T, name string) {
	t.Helper()
	_ = os.Remove(p.path(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(p.path(name)), 0o700), syscall.Mkfifo(p.path(name), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// hold takes the lock of a file or folder until the test ends.
func (p *place) hold(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(p.path(name))
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
}

// command is a run of the program, which is killed where it does not end.
func (p *place) command(t *testing.T, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, "airlock", args...)
	c.Dir, c.Env = p.dir, p.env
	return c
}

// vault makes the backend a Vault that never answers.
func (p *place) vault() {
	p.env = append(p.env, vaultBackend, `AIRFLOW__SECRETS__BACKEND_KWARGS={"url":"http://`+p.hung+`","token":"t","mount_point":"secret"}`)
}

// own makes an embedded store with a client.
func (p *place) own(t *testing.T) {
	t.Helper()
	if out, err := p.command(t, "client", "add", "airflow").CombinedOutput(); err != nil {
		t.Fatalf("client add: %v %s", err, out)
	}
}

// waits has a row for each command: what it is made to wait for.
var waits = map[string]struct {
	args string
	with func(t *testing.T, p *place)
}{
	"check":               {"check .", sleepingGit},
	"client add":          {"client add another", heldLog},
	"client extend":       {"client extend airflow --ttl 1h", heldLog},
	"client list":         {"client list", heldFolder},
	"client revoke":       {"client revoke airflow", heldLog},
	"client rotate":       {"client rotate airflow", heldLog},
	"config get-value":    {"config get-value core fernet_key", sleepingCommand},
	"config validate":     {"config validate", sleepingKwargs},
	"connections add":     {"connections add c --conn-uri postgres://h/x", hungVault},
	"connections convert": {"connections convert -", nil},
	"connections delete":  {"connections delete c", hungVault},
	"connections get":     {"connections get c", hungVault},
	"connections lint":    {"connections lint --file pipe", func(t *testing.T, p *place) { p.pipe(t, "pipe") }},
	"connections list":    {"connections list", hungVault},
	"exec":                {"exec --variables x -- true", hungVault},
	"explain":             {"explain variable x", hungVault},
	"init gcp": {"init gcp --yes --project-id my-project --auth key-file --key-file pipe",
		func(t *testing.T, p *place) { p.pipe(t, "pipe") }},
	"init vault": {"init vault --yes --apply --url http://HUNG", func(_ *testing.T, p *place) {
		p.env = append(p.env, "VAULT_ADDR=http://"+p.hung, "VAULT_TOKEN=t")
	}},
	"init ssm":            {"init ssm --yes --apply --region-name eu-west-1 --account 123456789012", hungAWS},
	"init secretsmanager": {"init secretsmanager --yes --apply --region-name eu-west-1 --account 123456789012", hungAWS},
	"render":              {"render env --variables x", hungVault},
	"serve":               {"serve --listen 127.0.0.1:0", heldLog},
	"trust": {"trust example.com:8200", func(t *testing.T, p *place) {
		p.write(t, "state/airlock/trust.lock", "", 0o600)
		p.hold(t, "state/airlock/trust.lock")
	}},
	"variables delete": {"variables delete x", hungVault},
	"variables get":    {"variables get x", hungVault},
	"variables list":   {"variables list", hungVault},
	"variables set":    {"variables set x --stdin", nil},
}

// neverWait are the commands that wait for nothing, and why.
var neverWait = map[string]string{
	"version": "it prints what is in the program", "man": "it prints what is in the program", "init azure": "it asks nobody and reads no file that is named",
}

func hungVault(_ *testing.T, p *place) { p.vault() }

func hungAWS(_ *testing.T, p *place) {
	p.env = append(p.env, "AWS_ENDPOINT_URL=http://"+p.hung, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=eu-west-1")
}

func heldLog(t *testing.T, p *place) {
	p.own(t)
	p.hold(t, ".airlock/audit.log")
}

func heldFolder(t *testing.T, p *place) {
	p.own(t)
	p.hold(t, ".airlock")
}

func sleepingGit(t *testing.T, p *place) {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.write(t, ".git/HEAD", "ref: refs/heads/main\n", 0o600)
	p.write(t, ".env", "VAULT_TOKEN=x\n", 0o600)
	p.env = append(p.env, "PATH="+bin+":"+os.Getenv("PATH"))
}

func sleepingCommand(_ *testing.T, p *place) {
	p.env = append(p.env, "AIRFLOW__CORE__FERNET_KEY_CMD=sleep 60")
}

func sleepingKwargs(_ *testing.T, p *place) {
	p.env = append(p.env, vaultBackend, "AIRFLOW__SECRETS__BACKEND_KWARGS_CMD=sleep 60")
}

// TestEveryCommandEndsAtASignal: whatever a command waits for, it says so after
// two seconds, and a signal ends it. They wait side by side.
func TestEveryCommandEndsAtASignal(t *testing.T) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, name := range commands(t) {
		row, ok := waits[name]
		if !ok && neverWait[name] == "" {
			t.Errorf("%s: what does it wait for?", name)
		}
		if !ok {
			continue
		}
		p := newPlace(t)
		if row.with != nil {
			row.with(t, p)
		}
		sent, code := syscall.SIGINT, 130
		if strings.HasPrefix(name, "connections") {
			sent, code = syscall.SIGTERM, 143
		}
		c := p.command(t, strings.Fields(strings.ReplaceAll(row.args, "HUNG", p.hung))...)
		typed, err := c.StdinPipe() // nobody types
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer typed.Close()
			if err := interrupted(c, sent, code); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// interrupted starts a command, waits for its word that it waits, and ends it.
func interrupted(c *exec.Cmd, sent os.Signal, want int) error {
	stderr, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return err
	}
	lines := bufio.NewReader(stderr)
	var said strings.Builder
	for !strings.Contains(said.String(), "airlock: waiting for ") {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			return fmt.Errorf("it ends without a word of waiting: %w\n%s", c.Wait(), &said)
		}
	}
	err = c.Process.Signal(sent)
	rest, _ := io.ReadAll(lines)
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); err != nil || code != want || !strings.Contains(string(rest), "airlock: interrupted") {
		return fmt.Errorf("%v, %w\n%s%s", c.ProcessState, err, &said, rest)
	}
	return nil
}

// commands are those of docs/cli.md that hold no others; a test of
// internal/cli holds that page to the command tree.
func commands(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^## airlock (.+)$`).FindAllStringSubmatch(string(text), -1) {
		if len(names) > 0 && strings.HasPrefix(m[1], names[len(names)-1]+" ") {
			names = names[:len(names)-1]
		}
		names = append(names, m[1])
	}
	if len(names) < 20 {
		t.Fatalf("only %d commands: %v", len(names), names)
	}
	return names
}

// TestPipesInPlaceOfFiles: each of these paths is named by a folder or a
// setting. A pipe there is not waited for.
func TestPipesInPlaceOfFiles(t *testing.T) {
	const amazon = "AIRFLOW__SECRETS__BACKEND=airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend"
	const google = "AIRFLOW__SECRETS__BACKEND=airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
	kwargs := func(text string) string { return "AIRFLOW__SECRETS__BACKEND_KWARGS=" + text }
	tests := []struct {
		pipe, args string
		env        []string
	}{
		{".env", "variables get x", nil}, {"Dockerfile", "variables get x", nil}, {"airflow/airflow.cfg", "variables get x", nil},
		{"airlock.yaml", "variables get x", nil}, {"other.yaml", "--config other.yaml variables get x", nil},
		{".env", "check .", nil}, {"docker-compose.yml", "check .", nil}, {"dags/a.py", "check .", nil}, {"airlock.yaml", "check .", nil},
		{"requirements.txt", "check .", nil}, {"pipe", "check pipe", nil}, {"dags/a.py", "exec --from-dags -- true", nil},
		{".airlock/key", "variables list", nil}, {".airlock/airlock.db", "variables list", nil}, {".airlock/airlock.db-wal", "variables list", nil},
		{".airlock/airlock.db-shm", "variables list", nil}, {".airlock/lock", "serve --listen 127.0.0.1:0", nil},
		{".airlock/audit.log", "client revoke airflow", nil}, {".airlock/audit.log", "serve --listen 127.0.0.1:0", nil},
		{".airlock/airlock.sock", "client list", nil}, {".airlock/airlock.sock.path", "client list", nil},
		{"state/airlock/trust.json", "trust --list", nil}, {"state/airlock/trust.lock", "trust example.com:8200", nil},
		{"home/.vault-token", "variables get x", []string{vaultBackend, kwargs(`{"url":"http://127.0.0.1:1"}`)}},
		{"pipe", "variables get x", []string{vaultBackend, kwargs(`{"url":"http://127.0.0.1:1","token_path":"pipe"}`)}},
		{"pipe", "variables get x", []string{vaultBackend,
			kwargs(`{"url":"http://127.0.0.1:1","auth_type":"kubernetes","kubernetes_role":"r","kubernetes_jwt_path":"pipe"}`)}},
		{"pipe", "variables get x", []string{vaultBackend, kwargs(`{"url":"https://127.0.0.1:1","token":"t","verify":"pipe"}`)}},
		{"pipe", "variables get x", []string{vaultBackend, kwargs(`{"url":"https://127.0.0.1:1","token":"t"}`), "REQUESTS_CA_BUNDLE=pipe"}},
		{"pipe", "variables get x", []string{amazon, "AWS_CONFIG_FILE=pipe", "AWS_EC2_METADATA_DISABLED=true"}},
		{"home/.aws/credentials", "variables get x", []string{amazon, "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=eu-west-1"}},
		{"pipe", "variables get x", []string{amazon, "AWS_WEB_IDENTITY_TOKEN_FILE=pipe", "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/r",
			"AWS_REGION=eu-west-1"}},
		{"pipe", "variables get x", []string{amazon, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=eu-west-1", "AWS_CA_BUNDLE=pipe"}},
		{"pipe", "variables get x", []string{google, "GOOGLE_APPLICATION_CREDENTIALS=pipe"}},
		{"key.json", "variables get x", []string{google, kwargs(`{"gcp_key_path":"key.json"}`)}},
		{"pipe", "variables get x", []string{"AIRFLOW__SECRETS__BACKEND=airflow.secrets.local_filesystem.LocalFilesystemBackend",
			kwargs(`{"variables_file_path":"pipe"}`)}},
		{"airflow.db", "variables get x", []string{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///DIR/airflow.db"}},
		{"home/.pgpass", "variables get x", []string{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://u@127.0.0.1:1/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.pipe+" "+tt.args, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			if strings.HasPrefix(tt.pipe, ".airlock/") {
				p.own(t)
			}
			for _, e := range tt.env {
				p.env = append(p.env, strings.ReplaceAll(e, "DIR", p.dir))
			}
			p.pipe(t, tt.pipe)
			c := p.command(t, strings.Fields(tt.args)...)
			if c.Args[1] == "serve" { // it may serve in spite of the pipe
				out, err := c.StderrPipe()
				if err == nil {
					err = c.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				_, _ = bufio.NewReader(out).ReadString('\n')
				_ = c.Process.Signal(syscall.SIGTERM)
				_, _ = io.Copy(io.Discard, out)
				_ = c.Wait()
			} else {
				_, _ = c.CombinedOutput()
			}
			if !c.ProcessState.Exited() {
				t.Errorf("it does not end: %v", c.ProcessState)
			}
		})
	}
}
