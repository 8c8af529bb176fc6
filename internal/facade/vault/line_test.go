package vault_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// refused are requests that are refused before anybody asks what they are
// for: the ones to look for.
func refused() []exchange {
	return []exchange{
		get("secret/data/%2e%2e/x"), get("secret/data/%2e/x"), get("secret/data/a%00b"), get("secret/data/a%0ab"), get("secret/data//x"), get("secret/../x"),
		{method: "HEAD", path: "secret/data/x"}, {method: "TRACE", path: "secret/data/x"}, {method: "FLY", path: "secret/data/x"},
		{method: "OPTIONS", path: "secret/data/x"}, get("secret/data/x").with("X-Vault-Namespace", "team"),
		get("secret/data/x").with("X-Vault-Wrap-TTL", "60s"), get("secret/data/" + strings.Repeat("x", 16<<10)), get("secret/data/x?list=perhaps"),
	}
}

// calls are requests of every kind. They are made without any token too.
func calls() []exchange {
	return slices.Concat(conversation(), refused(), []exchange{
		get("secret/data/x"), put("secret/data/x", "nonsense"), put("secret/data/x", `{"data":{}}`), put("secret/data/x/", "{}"), del("secret/data/x"),
		get("secret/foo"), get("secret/data"), get("secret/config"), post("secret/config", "{}"), list("secret/data/x"), get("kv"), del("kv/"),
		list("kv/"), get("nomount/x"), get("sys/nope"), get("sys/mounts"), get("auth/token/lookup-self"), post("auth/token/renew-self", "{"),
		post("auth/token/revoke-self", ""), get("auth/token/nope"), post("sys/capabilities-self", "{}"), get("secret/data/%ff"),
		get("secret/data/x").as("bad"), get("secret/data/x").as("none"), post("auth/approle/login", "{}").as("none"),
		get("sys/health"), get("sys/seal-status"), get("sys/init"), get("sys/leader"), get("sys/internal/ui/mounts"),
	})
}

// left is what a request left in the log: lines of somebody known, intents
// apart, and how many requests of nobody known were counted.
type left struct{ lines, intents, counted int64 }

func (r *rig) left(t *testing.T) (l left) {
	t.Helper()
	if err := r.log.Flush(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(r.audit.String()) {
		var e struct {
			Principal, Outcome, Action, Remote string
			Count                              int64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Outcome == "" || e.Action == "" || e.Remote == "" {
			t.Errorf("%s: %v", line, err)
		}
		switch {
		case (e.Count == 0) != (e.Principal != ""):
			t.Errorf("%s is neither a line of somebody nor a sum", line)
		case e.Outcome == audit.Intended:
			l.intents++
		case e.Principal != "":
			l.lines++
		}
		l.counted += e.Count
	}
	r.audit.Reset()
	return l
}

func TestEveryRequestLeavesOneLineOrIsCounted(t *testing.T) {
	for _, token := range []string{"", "none"} {
		r := newRig(t, nil)
		for _, e := range calls() {
			if token != "" {
				e.token = token
			}
			e.send(t, r.url, r.token)
			got := r.left(t)
			if got.lines+got.counted != 1 || got.intents > 1 || token != "" && got.lines != 0 {
				t.Errorf("%s %.80s with token %q left %+v, want one line or one counted", e.method, e.path, e.token, got)
			}
		}
	}
}

func TestARefusedRequestIsThatOfItsToken(t *testing.T) {
	r := newRig(t, nil)
	for _, e := range refused() {
		e.send(t, r.url, r.token)
		if got := r.left(t); got != (left{lines: 1}) {
			t.Errorf("%s %.80s left %+v, want a line of its client", e.method, e.path, got)
		}
		e.as("none").send(t, r.url, r.token)
		if got := r.left(t); got != (left{counted: 1}) {
			t.Errorf("%s %.80s without a token left %+v, want it counted", e.method, e.path, got)
		}
	}
}

// full takes no line.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestWhatNobodySignedIsAnsweredWithoutALine asks while no line can be written,
// which is what a question for the health is answered with.
func TestWhatNobodySignedIsAnsweredWithoutALine(t *testing.T) {
	own := memstore.New("embedded")
	g, err := gate.New(gate.Config{Own: own, OwnDialect: dialect.Native{}, Audit: audit.New(full{})})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := client.Open(t.Context(), memstore.New("system"), nil)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := clients.Create(t.Context(), client.Spec{Name: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	h := newHandler(t, g, clients, nil)
	for token, want := range map[string]map[string]int{
		"":          {"/v1/sys/health": 503, "/v1/secret/data/x": 403, "/v1/secret/data/%2e%2e/x": 400},
		creds.Token: {"/v1/sys/health": 503, "/v1/secret/data/x": 503, "/v1/secret/data/%2e%2e/x": 503, "/v1/sys/mounts": 503},
	} {
		for path, status := range want {
			u, err := url.Parse(path)
			if err != nil {
				t.Fatal(err)
			}
			w, q := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			q.URL = u
			q.Header = http.Header{"X-Vault-Token": {token}}
			if h.ServeHTTP(w, q); w.Code != status {
				t.Errorf("%s with a token of %d bytes: %d, want %d", path, len(token), w.Code, status)
			}
		}
	}
}
