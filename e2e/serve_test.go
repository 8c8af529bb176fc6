package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What `serve --dev` keeps is there when it is started again, for the commands
// beside it and for clients with the token of before.
func TestDataIsKeptOverRestart(t *testing.T) {
	t.Parallel()
	d, want := serveDev(t), newSeeds(t)
	cli := airlockIn(d.dir)
	cli.ok(t, "variables", "set", variableKey, want.variable)
	cli.ok(t, "connections", "add", connectionID, "--conn-uri", want.connection)
	token, env := d.token(t), d.printed(t)
	d.stop(t)

	// Nothing serves: the commands read the folder themselves.
	claim(t, cli.revealing().ok(t, "variables", "get", variableKey) == want.variable, "the variable is lost while nothing serves")

	again := serveAt(t, cli, strings.TrimPrefix(d.addr, "http://"), "--dev")
	claim(t, cli.revealing().ok(t, "connections", "get", connectionID) == want.connection, "the connection is lost after a restart")
	status, body := again.request(t, "GET", "/v1/secret/data/variables/"+variableKey, token, "")
	claim(t, status == http.StatusOK && strings.Contains(body, want.variable), "the old token reads: status %d: %s", status, body)
	claim(t, strings.Join(again.printed(t), "\n") == strings.Join(env, "\n"), "serve prints other settings after a restart")
	claim(t, cli.ok(t, "variables", "list") == variableKey, "variables list shows something else")
	noSecretAtRest(t, filepath.Join(d.dir, ".airlock"))
}

// Commands beside a daemon go through it, and see what clients wrote.
func TestCommandsBesideDaemon(t *testing.T) {
	t.Parallel()
	d, value := serveDev(t), secret(t)
	token := d.token(t)
	status, body := d.request(t, "POST", "/v1/secret/data/variables/by-client", token, `{"data":{"value":"`+value+`"}}`)
	claim(t, status == http.StatusOK, "writing: status %d: %s", status, body)
	cli := airlockIn(d.dir)
	claim(t, cli.revealing().ok(t, "variables", "get", "by-client") == value, "the command does not see what the client wrote")

	cli.reading(value).ok(t, "variables", "set", "--stdin", "by-command")
	status, body = d.request(t, "GET", "/v1/secret/data/variables/by-command", token, "")
	claim(t, status == http.StatusOK && strings.Contains(body, value), "the client does not see what the command wrote: status %d: %s", status, body)

	cli.ok(t, "variables", "delete", "by-client")
	if status, body = d.request(t, "GET", "/v1/secret/data/variables/by-client", token, ""); status != http.StatusNotFound {
		t.Errorf("the client still sees what the command deleted: status %d: %s", status, masked(body))
	}
}

// A folder has one daemon.
func TestSecondServeIsRefused(t *testing.T) {
	t.Parallel()
	d := serveDev(t)
	holder := fmt.Sprintf("process %d", d.cmd.Process.Pid)
	airlockIn(d.dir).fails(t, 5, []string{".airlock", "another airlock serve", holder, "hint:"}, "serve", "--dev", "--listen", freeAddress(t))
	if status, _ := d.request(t, "GET", "/-/ready", "", ""); status != http.StatusOK {
		t.Errorf("the first daemon is not ready any more: status %d", status)
	}
}

// A source that is the daemon itself would ask itself for ever.
func TestSourceThatLeadsBackIsRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost", "host.docker.internal"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			addr := freeAddress(t)
			url := "http://" + host + addr[strings.LastIndexByte(addr, ':'):]
			airlockIn(t.TempDir(),
				"AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend",
				`AIRFLOW__SECRETS__BACKEND_KWARGS={"url": "`+url+`", "token": "`+secret(t)+`"}`,
			).fails(t, 1, []string{strings.TrimPrefix(url, "http://"), "hint:"}, "serve", "--listen", addr)
		})
	}
}

// Every read leaves a line that says who asked for what, and never its value.
func TestReadsAreAudited(t *testing.T) {
	t.Parallel()
	d, value := serveDev(t), secret(t)
	token := d.token(t)
	d.request(t, "POST", "/v1/secret/data/variables/audited", token, `{"data":{"value":"`+value+`"}}`)
	d.request(t, "GET", "/v1/secret/data/variables/audited", token, "")
	d.request(t, "GET", "/v1/secret/data/variables/audited", "wrong-token", "")
	d.stop(t)
	b, err := os.ReadFile(filepath.Join(d.dir, ".airlock", "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	log := string(b)
	claim(t, strings.Count(log, "audited") >= 2, "the audit log has not both the write and the read:\n%s", log)
	claim(t, !strings.Contains(log, canary) && !strings.Contains(log, token), "the audit log holds a secret:\n%s", log)
	noSecretAtRest(t, filepath.Join(d.dir, ".airlock"))
}
