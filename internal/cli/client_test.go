package cli

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

func tokenOf(r ran) string {
	token, _, _ := strings.Cut(strings.TrimPrefix(r.stdout, "token "), "\n")
	return token
}

func TestADamagedClientIsTheOnlyOneThatIsRefused(t *testing.T) {
	for _, served := range []bool{false, true} {
		dir := t.TempDir()
		data := filepath.Join(dir, ".airlock")
		run(t, dir, "variables", "set", "k", "v").want(t, "set", 0)
		good, bad := tokenOf(run(t, dir, "client", "add", "good")), tokenOf(run(t, dir, "client", "add", "bad"))
		servertest.FlipPayload(t, data, "client/bad")
		if served {
			i := daemon(t, dir)
			if g, b := status(t, i, good), status(t, i, bad); g != http.StatusOK || b != http.StatusForbidden {
				t.Errorf("the good client gets %d, the damaged one %d", g, b)
			}
		}
		list := run(t, dir, "client", "list", "-o", "json")
		list.want(t, "list", 0, `"bad"`, "does not decrypt", "hint: revoke the client and add it again: airlock client revoke bad")
		if !strings.Contains(list.stdout, `"state": "damaged"`) || !strings.Contains(list.stdout, `"state": "good"`) {
			t.Errorf("list: %s", list.stdout)
		}
		run(t, dir, "client", "add", "bad").want(t, "add of the damaged one", 1)
		run(t, dir, "client", "rotate", "bad").want(t, "rotate of the damaged one", 1, "hint: revoke")
		run(t, dir, "client", "extend", "bad", "--ttl", "1h").want(t, "extend of the damaged one", 1, "hint: revoke")
		run(t, dir, "client", "add", "more").want(t, "add", 0)
		run(t, dir, "client", "rotate", "more").want(t, "rotate", 0)
		run(t, dir, "client", "revoke", "more").want(t, "revoke", 0)
		run(t, dir, "client", "revoke", "bad").want(t, "revoke of the damaged one", 0)
		list = run(t, dir, "client", "list", "-o", "json")
		list.want(t, "list", 0)
		if strings.Contains(list.stdout, "bad") || list.stderr != "" {
			t.Errorf("list: %+v", list)
		}
		run(t, dir, "client", "add", "bad").want(t, "add", 0)
	}
}

func TestExtendLetsAnExpiredClientIn(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "variables", "set", "k", "v").want(t, "set", 0)
	run(t, dir, "client", "add", "guest", "--ttl", "1ns").want(t, "add", 0)
	expired := func() {
		t.Helper()
		if list := run(t, dir, "client", "list", "-o", "plain"); !strings.Contains(list.stdout, "expired") {
			t.Errorf("list: %+v", list)
		}
	}
	expired()
	run(t, dir, "client", "extend", "guest").want(t, "without a time", 2, "hint:", "24h")
	run(t, dir, "client", "extend", "guest", "--ttl", "-1h").want(t, "below zero", 2)
	run(t, dir, "client", "extend", "nobody", "--ttl", "1h").want(t, "nobody", 3)
	run(t, dir, "client", "extend", "guest", "--ttl", "1h").want(t, "extend without a daemon", 0)
	if list := run(t, dir, "client", "list", "-o", "plain"); strings.Contains(list.stdout, "expired") {
		t.Errorf("list of what was extended: %+v", list)
	}
	run(t, dir, "client", "revoke", "guest").want(t, "revoke", 0)
	token := tokenOf(run(t, dir, "client", "add", "guest", "--ttl", "1ns"))
	i := daemon(t, dir)
	if got := status(t, i, token); got != http.StatusForbidden {
		t.Errorf("expired: status %d", got)
	}
	expired()
	rotated := run(t, dir, "client", "rotate", "guest")
	rotated.want(t, "rotate", 0, "has expired", "airlock client extend guest --ttl")
	if got := status(t, i, tokenOf(rotated)); got != http.StatusForbidden {
		t.Errorf("expired, with a new token: status %d", got)
	}
	for _, ttl := range []string{"1h", "0"} {
		run(t, dir, "client", "extend", "guest", "--ttl", ttl).want(t, "extend", 0)
		if got := status(t, i, tokenOf(rotated)); got != http.StatusOK {
			t.Errorf("extended by %s: status %d", ttl, got)
		}
	}
}
