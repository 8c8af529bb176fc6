package live_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/live"
)

// canary stands for a secret: no finding and no call may hold it.
const canary = "CANARY-live"

// classes of the backends.
const (
	vaultClass = "airflow.providers.hashicorp.secrets.vault.VaultBackend"
	ssmClass   = "airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend"
	smClass    = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"
	gcpClass   = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
	azureClass = "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend"
)

// options configures a backend and what the DAGs ask for: "variable:x" or
// "connection:x", with "?" at the end where they have a default.
func options(t *testing.T, class string, kwargs map[string]any, environ []string, wants ...string) live.Options {
	t.Helper()
	text, err := json.Marshal(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	env := append([]string{"HOME=" + dir, "AIRFLOW_HOME=" + dir, "AIRFLOW__SECRETS__BACKEND=" + class, "AIRFLOW__SECRETS__BACKEND_KWARGS=" + string(text)}, environ...)
	r, err := airlock.FromEnvironment(t.Context(), &airlock.EnvironmentOptions{Dir: dir, Environ: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	o := live.Options{Resolver: r}
	for i, want := range wants {
		kind, id, _ := strings.Cut(want, ":")
		id, hasDefault := strings.CutSuffix(id, "?")
		o.Wants = append(o.Wants, live.Want{Ref: airflow.Ref{Kind: airflow.Kind(kind), ID: id}, Default: hasDefault,
			Place: live.Place{File: "dags/d.py", Line: i + 1, Column: 1}})
	}
	return o
}

// run does a check and sees that nothing in it holds the canary.
func run(t *testing.T, o live.Options) *live.Report {
	t.Helper()
	report, err := live.Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(fmt.Sprintf("%+v %+v", report, live.Plan(o)), canary) {
		t.Fatal("a finding or a call holds a secret")
	}
	return report
}

// brief is a finding as "rule severity line: part of the message".
func brief(f check.Finding) string { return fmt.Sprintf("%s %s %d", f.Rule, f.Severity, f.Line) }

// expect compares the findings with a list of brief ones, each of which may be
// followed by "|" and texts that its message or fix must hold.
func expect(t *testing.T, report *live.Report, want ...string) {
	t.Helper()
	var got []string
	for _, f := range report.Findings {
		got = append(got, brief(f))
	}
	var heads []string
	for _, w := range want {
		head, _, _ := strings.Cut(w, "|")
		heads = append(heads, head)
	}
	slices.Sort(got)
	slices.Sort(heads)
	if !slices.Equal(got, heads) {
		t.Errorf("found %q\nwant  %q", got, heads)
		for _, f := range report.Findings {
			t.Logf("%s: %s\n\tfix: %s", brief(f), f.Message, f.Fix)
		}
		return
	}
	for _, w := range want {
		head, rest, _ := strings.Cut(w, "|")
		for text := range strings.SplitSeq(rest, "|") {
			if !slices.ContainsFunc(report.Findings, func(f check.Finding) bool {
				return brief(f) == head && strings.Contains(f.Message+"\n"+f.Fix, text)
			}) {
				t.Errorf("%s does not say %q", head, text)
				for _, f := range report.Findings {
					t.Logf("%s: %s\n\tfix: %s", brief(f), f.Message, f.Fix)
				}
			}
		}
	}
}

// recorder is a proxy that keeps what it is asked, in the words of a plan.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
}

// record proxies to a server; word makes a call of a request.
func record(t *testing.T, target string, word func(*http.Request) string) *recorder {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{}
	proxy := httputil.NewSingleHostReverseProxy(u)
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec.mu.Lock()
		rec.calls = append(rec.calls, word(r))
		rec.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(rec.Close)
	return rec
}

// planned are the calls of a plan that are made in any case, and those that
// may be.
func planned(o live.Options) (always, maybe []string) {
	for _, c := range live.Plan(o) {
		text := c.Method + " " + c.Name
		if c.When == "" {
			always = append(always, text)
		} else {
			maybe = append(maybe, text)
		}
	}
	return always, maybe
}

// sameCalls compares what was asked with a plan: the calls without condition,
// in order, and no other than those with one.
func sameCalls(t *testing.T, o live.Options, calls []string) {
	t.Helper()
	always, maybe := planned(o)
	var rest []string
	for _, call := range calls {
		if len(always) > 0 && call == always[0] {
			always = always[1:]
			continue
		}
		rest = append(rest, call)
	}
	if len(always) > 0 {
		t.Errorf("planned and not made: %q, of the calls %q", always, calls)
	}
	for _, call := range rest {
		if !slices.Contains(maybe, call) {
			t.Errorf("made and not planned: %q", call)
		}
	}
}
