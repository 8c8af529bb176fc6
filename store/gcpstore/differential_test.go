package gcpstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
)

// question is one reference as the class's methods take it.
type question struct {
	method, id string
	team       *string
}

// MarshalJSON implements json.Marshaler.
func (q question) MarshalJSON() ([]byte, error) { return json.Marshal([]any{q.method, q.id, q.team}) }

// failing are ids whose calls end in a status of gRPC; those that Google's
// client repeats for a minute are left to other tests.
var failing = map[string]codes.Code{
	"internal": codes.Internal, "unauthenticated": codes.Unauthenticated, "aborted": codes.Aborted, "dataloss": codes.DataLoss,
	"unimplemented": codes.Unimplemented, "deadline": codes.DeadlineExceeded, "unknown": codes.Unknown, "range": codes.OutOfRange,
	"cancelled": codes.Canceled, "precondition": codes.FailedPrecondition, "exists": codes.AlreadyExists, "missing": codes.NotFound,
	"argument": codes.InvalidArgument, "denied-by-status": codes.PermissionDenied,
}

// questions stores values and returns 300 references: found and missing,
// denied and failing, odd names and odd values, with teams and without.
func questions(f *gcpfake.Server) []question {
	values := []string{"hello", "", " ", "x\n", "\ufeffbom", "clé€😀", "a\x00b", "postgres://u:p%40w@h:5432/db?x=y", `{"conn_type": "http", "host": "h"}`,
		"{", "null", "\xc3\x28", "\xff", "ab\xe2\x82", "\xed\xa0\x80", "\xf0\x9f\x98", strings.Repeat("x", gcpfake.MaxPayload)}
	prefixes := map[string]string{"get_conn_value": "airflow-connections-", "get_variable": "airflow-variables-", "get_config": "airflow-config-"}
	odd := []string{"", "a b", "clé", "a.b", "a/b", "a--b", "--", "a---b", "_", "-", "A", "a%2Fb", "a?b#c", "日本", "a\nb", strings.Repeat("n", 300), "versions/latest"}
	a, empty := "A", ""
	var all []question
	for _, method := range []string{"get_conn_value", "get_variable", "get_config"} {
		ids := append([]string{"never", "versionless", "disabled", "destroyed", "denied"}, odd...)
		for i, v := range values {
			id := fmt.Sprint("value", i)
			f.Put("p", prefixes[method]+id, []byte(v))
			ids = append(ids, id)
		}
		for id := range failing {
			ids = append(ids, "fail_"+id)
		}
		f.Create("p", prefixes[method]+"versionless")
		f.Deny("p", prefixes[method]+"denied")
		for _, id := range []string{"a--b", "_", "-", "A", "disabled", "destroyed", "A--teamed", "A--both", "both", "A--hollow", "hollow"} {
			f.Put("p", prefixes[method]+id, []byte("of "+id))
		}
		f.Put("p", prefixes[method]+"A--hollow", nil)
		f.Deny("p", prefixes[method]+"A--barred")
		f.Put("p", prefixes[method]+"barred", []byte("global"))
		for _, id := range append(ids, "teamed", "both", "hollow", "barred") {
			all = append(all, question{method, id, nil})
			if method != "get_config" {
				all = append(all, question{method, id, &a})
			}
		}
	}
	for i := 0; len(all) < 300; i++ {
		all = append(all, question{"get_variable", fmt.Sprint("value", i), &empty})
	}
	return all[:300]
}

// TestStockClassAgrees: the stock Python class and this store, with the same
// kwargs and the same server, answer 300 references alike.
func TestStockClassAgrees(t *testing.T) {
	for _, multiTeam := range []bool{false, true} {
		t.Run(fmt.Sprintf("multi_team %v", multiTeam), func(t *testing.T) { compare(t, multiTeam) })
	}
}

func compare(t *testing.T, multiTeam bool) {
	f := gcpfake.New()
	at := gcpfake.Start(t, f)
	keyfile, public := gcpfake.Account(t, "p", "")
	keyfile["universe_domain"] = at.Universe
	f.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{keyfile["client_email"].(string): public}}
	refs := questions(f)
	disable(t, f)
	f.Before = func(_, name string) error {
		if _, id, ok := strings.Cut(name, "-fail_"); ok {
			if code, ok := failing[strings.TrimSuffix(id, "/versions/latest")]; ok {
				return status.Error(code, fake)
			}
		}
		return nil
	}
	kwargs := map[string]any{"gcp_keyfile_dict": keyfile}
	environ := map[string]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN": at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": at.CAFile}
	want := askStock(t, kwargs, refs, environ, multiTeam)
	s := openPlain(t, kwargs, environ, multiTeam)
	defer s.store.Close()
	kinds := map[string]int{}
	for i, q := range refs {
		kind, value := s.answer(t, q)
		kinds[kind]++
		if kind != want[i][0] || (kind == "value" || kind == "UnicodeDecodeError") && value != want[i][1] {
			t.Errorf("%s(%.40q, team %v) is %s %.80q, the stock class says %s %.80q", q.method, q.id, q.team != nil, kind, value, want[i][0], want[i][1])
		}
	}
	t.Logf("%d answers: %v", len(refs), kinds)
	if len(kinds) < 8 || kinds["value"] == len(refs) {
		t.Errorf("the questions have too few kinds of answers: %v", kinds)
	}
}

// openPlain is a session over no script.
func openPlain(t *testing.T, kwargs map[string]any, environ map[string]string, multiTeam bool) *session {
	t.Helper()
	s, decoded := &session{log: &recordedLog{}}, kwargsOf(t, kwargs)
	var err error
	if s.dialect, err = dialect.GCPFromKwargs(decoded, multiTeam); err != nil {
		t.Fatal(err)
	}
	s.store, _, err = FromKwargs(decoded, Env{Getenv: func(name string) (string, bool) { v, ok := environ[name]; return v, ok }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// disable makes the latest version of what is called so unreadable.
func disable(t *testing.T, f *gcpfake.Server) {
	t.Helper()
	for _, kind := range []string{"connections", "variables", "config"} {
		f.Disable("p", "airflow-"+kind+"-disabled")
		f.Destroy("p", "airflow-"+kind+"-destroyed")
	}
}

// answer is what this store says, in the words of ask.py.
func (s *session) answer(t *testing.T, q question) (kind string, value any) {
	t.Helper()
	s.ref = airflow.Ref{ID: q.id, Kind: map[string]airflow.Kind{"get_conn_value": airflow.KindConnection,
		"get_variable": airflow.KindVariable, "get_config": airflow.KindConfig}[q.method]}
	if q.team != nil {
		s.ref.Team = *q.team
	}
	value, err := s.lookup(t.Context())
	if err == nil {
		return "value", value
	}
	var payload []byte
	if names := s.dialect.Names(s.ref).Names; len(names) > 0 {
		if secret, err := s.store.Get(t.Context(), names[len(names)-1]); err == nil {
			payload = secret.Payload
		}
	}
	raised := inPython(payload)(err)
	return raised.Type, raised.Message
}

// askStock runs the stock class.
func askStock(t *testing.T, kwargs map[string]any, refs []question, environ map[string]string, multiTeam bool) [][2]any {
	t.Helper()
	input, err := json.Marshal(map[string]any{"kwargs": kwargs, "refs": refs})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), baotest.Tool(t, "python"), "testdata/ask.py")
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "AIRFLOW_HOME="+t.TempDir(), fmt.Sprint("AIRFLOW__CORE__MULTI_TEAM=", multiTeam), "GRPC_VERBOSITY=ERROR")
	for name, value := range environ {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask.py: %v\n%.2000s", err, stderr.String())
	}
	var answers [][2]any
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(refs) {
		t.Fatalf("ask.py answered %d of %d references: %v", len(answers), len(refs), err)
	}
	return answers
}
