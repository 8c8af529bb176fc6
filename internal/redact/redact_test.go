package redact_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/redact"
)

func TestEveryEncoding(t *testing.T) {
	const secret = "CANARY-x/y+z\"<&>\\ \u00e9\n="
	for _, encoding := range encodings {
		for _, before := range []string{"", "a", "ab", "abc", `{"token":"`} {
			s := redact.New()
			s.Credential(secret)
			echoed := encoding.encode(before, secret)
			got := s.Text("it said: " + echoed + " and more")
			if strings.Contains(got, echoed) || strings.Contains(got, secret) || !strings.Contains(got, redact.Mark) ||
				!strings.HasPrefix(got, "it said: ") || !strings.HasSuffix(got, " and more") {
				t.Errorf("%s after %q: %q", encoding.name, before, got)
			}
		}
	}
}

func TestParts(t *testing.T) {
	long := "CANARY-" + strings.Repeat("0123456789", 3)
	for _, tt := range []struct {
		name, said, want string
		add              func(*redact.Set)
	}{
		{"the beginning of a credential", "token CANARY-0 is cut", "token *** is cut", credential(long)},
		{"the end of a credential", "token ...23456789 is cut", "token ...*** is cut", credential(long)},
		{"less than eight characters", "token CANARY is cut", "token CANARY is cut", credential(long)},
		{"four characters", "latest", "la***", credential("test")},
		{"three characters", "abc", "abc", credential("abc")},
		{"a word that is none", "it is true", "it is true", credential("true")},
		{"a short payload inside of a word", "unbounded", "unbounded", payload("bounded")},
		{"a short payload", "not bounded.", "not ***.", payload("bounded")},
		{"a member of a payload", "no CANARY-pw here", "no *** here", payload(`{"conn_type":"postgres","password":"CANARY-pw"}`)},
		{"the password of a payload", "no CANARY/pw here", "no *** here", payload("postgres://u:CANARY%2Fpw@h/db")},
		{"a line of a key", "-----BEGIN KEY----- CANARYCANARY x", "*** *** x", credential("-----BEGIN KEY-----\nCANARYCANARY\n-----END KEY-----")},
		{"a kwarg", "no CANARY-x", "no ***", kwarg("nobody_knows_it", "CANARY-x")},
		{"a kwarg in a kwarg", "no CANARY-x but proj-1234", "no *** but proj-1234",
			kwarg("gcp_keyfile_dict", map[string]any{"private_key": "CANARY-x", "project_id": "proj-1234"})},
		{"an address", "no https://host:8200", "no https://host:8200", kwarg("url", "https://host:8200")},
		{"the password of an address", "no CANARY@x@host", "no ***@host", kwarg("url", "https://user:CANARY@x@host:8200")},
		{"a mount", `no route "secret/data/x"`, `no route "secret/data/x"`, kwarg("mount_point", "secret")},
		{"a host name of a token", "lookup canary-x.example", "lookup ***.example", credential("CANARY-X")},
		{"in capitals", "NO CANARY-X", "NO ***", credential("canary-x")},
		{"over lines", "no CANA\n  RY-to\r\nken here", "no *** here", credential("CANARY-token")},
		{"over lines, escaped", `no CANA\nRY-to\nken here`, "no *** here", credential("CANARY-token")},
		{"bytes of hexadecimal", "no 43:41:4e:41:52:59:2d:78 and 43 41 4e 41 52 59 2d 78", "no *** and ***", credential("CANARY-x")},
		{"the place of a URL", "dial https://hooks.example.com:443/x", "dial https://hooks.example.com:443/x",
			credential("https://hooks.example.com/services/CANARY")},
		{"the path of a URL", "dial https://hooks.example.com/services/...", "dial ***...", credential("https://hooks.example.com/services/CANARY")},
		{"the path of a database", `no "/home/me/airflow.db" and "/etc/ca.pem"`, `no "/home/me/airflow.db" and "/etc/ca.pem"`,
			database("sqlite:////home/me/airflow.db?sslrootcert=/etc/ca.pem")},
		{"the password of a database", "no CANARY?x, no CANARY", "no ***, no CANARY", database("postgres://u:CANARY?x@h/db")},
		{"a database that is no URL", "no postgres//u:CANARY@h", "no ***", database("postgres//u:CANARY@h")},
		{"a member of a payload that has a kwarg's name", "no CANARY-host", "no ***", payload(`{"host":"CANARY-host","name":"x"}`)},
		{"a proxy", "dial proxy.example.com:3128 as ***", "dial proxy.example.com:3128 as ***",
			kwarg("proxies", map[string]any{"https": "http://CANARY-u:CANARY-p@proxy.example.com:3128"})},
		{"the password of a proxy", "no CANARY-p", "no ***", kwarg("proxies", map[string]any{"https": "http://u:CANARY-p@proxy.example.com:3128"})},
		{"two that come together", "CAN\u200bARY-token", "***", credential("CANARY-token")},
		{"control characters", "a\x1b[1mb\r\nc\u202ed\u0085e\x9bf\u2028g", "ab cd e\uFFFDf g", func(*redact.Set) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := redact.New()
			tt.add(s)
			if got := s.Text(tt.said); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.said, got, tt.want)
			}
		})
	}
}

func credential(text string) func(*redact.Set) { return func(s *redact.Set) { s.Credential(text) } }

func payload(text string) func(*redact.Set) { return func(s *redact.Set) { s.Payload([]byte(text)) } }

func database(url string) func(*redact.Set) {
	return func(s *redact.Set) { s.Variable("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url) }
}

func kwarg(name string, value any) func(*redact.Set) {
	return func(s *redact.Set) { s.Kwarg(name, value) }
}

func TestMask(t *testing.T) {
	s := redact.New()
	s.Credential("CANARY-token")
	s.Credential("root")
	s.Variable("DATABASE_URL", "postgres://airflow:airflow@CANARY@postgres/airflow")
	s.Payload([]byte("the-payload"))
	const text = "run airflow as root:\n  airlock get the-payload CANARY-token CANARY@postgres/airflow"
	const want = "run airflow as root:\n  airlock get the-payload *** ***@postgres/airflow"
	if got := s.Mask(text); got != want {
		t.Errorf("Mask = %q, want %q", got, want)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{"VAULT_TOKEN": true, "AWS_SECRET_ACCESS_KEY": true, "AZURE_CLIENT_SECRET": true, "PGPASSWORD": true,
		"AIRFLOW__CORE__FERNET_KEY": true, "AIRFLOW__CORE__FERNET_KEY_SECRET": false, "AIRFLOW__CORE__FERNET_KEY_CMD": false,
		"GOOGLE_APPLICATION_CREDENTIALS": false, "AWS_SHARED_CREDENTIALS_FILE": false, "PWD": false, "VAULT_ADDR": false,
		"AIRFLOW__SECRETS__BACKEND": false, "AIRFLOW_VAR_TOKEN": false, "PATH": false} {
		if redact.CredentialName(name) != want {
			t.Errorf("CredentialName(%q) = %t", name, !want)
		}
	}
}

// What is remembered of a text holds until there is another credential.
func TestMaskFollowsTheCredentials(t *testing.T) {
	s := redact.New()
	s.Credential("CANARY-first")
	for range 2 {
		if got := s.Mask("secret/CANARY-first/CANARY-second"); got != "secret/***/CANARY-second" {
			t.Errorf("Mask = %q with one credential", got)
		}
	}
	s.Credential("CANARY-second")
	for range 2 {
		if got := s.Mask("secret/CANARY-first/CANARY-second"); got != "secret/***/***" {
			t.Errorf("Mask = %q with two", got)
		}
	}
}

// Of the URL of a database is shown where it leads.
func TestTheURLOfADatabase(t *testing.T) {
	for value, want := range map[string]string{
		"sqlite:////home/a/airflow.db":                     "open /home/a/airflow.db CANARYpass CANARYquery",
		"postgresql://u:CANARYpass@host/home/a/airflow.db": "open /home/a/airflow.db *** CANARYquery",
		"postgresql://host/a?password=CANARYquery":         "open /home/a/airflow.db CANARYpass ***",
		"postgresql:/u:CANARYpass":                         "open /home/a/airflow.db *** CANARYquery",
	} {
		s := redact.New()
		s.Variable("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", value)
		if got := s.Text("open /home/a/airflow.db CANARYpass CANARYquery"); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

func TestNoSet(t *testing.T) {
	var s *redact.Set
	s.Credential("CANARY-x")
	s.Payload([]byte("CANARY-x"))
	s.Kwarg("token", "CANARY-x")
	if got := s.Text("a\nb" + strings.Repeat("c", 1000)); len(got) != redact.Longest || !strings.HasPrefix(got, "a bc") || !strings.HasSuffix(got, "c...") {
		t.Errorf("Text = %q", got)
	}
	if next := http.DefaultTransport; s.Transport(next) != next {
		t.Error("no Set makes a transport of its own")
	}
}

// A daemon runs for long: what it read long ago is forgotten, its settings are
// not.
func TestTheMostRecentIsKept(t *testing.T) {
	s := redact.New()
	s.Credential("CANARY-setting")
	for i := range 5000 {
		s.Payload(fmt.Appendf(nil, "CANARY-payload-%05d", i))
	}
	if got := s.Text("CANARY-setting CANARY-payload-04999"); got != "*** ***" {
		t.Errorf("Text = %q", got)
	}
}

// A text that would take too long is not shown.
func TestTheWorkIsBounded(t *testing.T) {
	s := redact.New()
	for i := range 1000 {
		s.Payload(append(bytes.Repeat([]byte("a"), 900), byte(i), byte(i>>8)))
	}
	if got := s.Text(strings.Repeat("a", 8000)); got != redact.Mark {
		t.Errorf("Text = %q", got)
	}
}

type answering func(*http.Request)

func (f answering) RoundTrip(req *http.Request) (*http.Response, error) {
	f(req)
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}

func TestTransport(t *testing.T) {
	for _, tt := range []struct{ header, value, body, said, want string }{
		{"X-Vault-Token", "hvs.CANARY", "", "hvs.CANARY", "***"},
		{"Authorization", "Bearer CANARY-bearer", "", "Bearer CANARY-bearer", "Bearer ***"},
		{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("user:CANARY-pw")), "", "CANARY-pw", "***"},
		{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDCANARY/day/region/ssm/aws4_request, SignedHeaders=host, Signature=0123456789abcdef0123", "",
			"AKIDCANARY and 0123456789abcdef0123 for host", "*** and *** for host"},
		{"Referer", "http://host:8200/v1/secret/data/x", "", "no http://host:8200/v1/secret/data/x", "no http://host:8200/v1/secret/data/x"},
		{"User-Agent", "airlock airlock", "", "airlock airlock", "airlock airlock"},
		{"Accept", "*/*", `{"role":"the-role-name","jwt":"CANARY.jwt"}`, "the-role-name CANARY.jwt", "the-role-name ***"},
		{"Accept", "*/*", "grant_type=client_credentials&client_assertion=CANARY%2Eassertion", "client_credentials CANARY.assertion", "client_credentials ***"},
	} {
		s, sent := redact.New(), ""
		client := http.Client{Transport: s.Transport(answering(func(req *http.Request) {
			if req.Body != nil {
				b, _ := io.ReadAll(req.Body)
				sent = string(b)
			}
		}))}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://host", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(tt.header, tt.value)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := s.Text(tt.said); got != tt.want {
			t.Errorf("%s: %s, %s: Text(%q) = %q, want %q", tt.header, tt.value, tt.body, tt.said, got, tt.want)
		}
		if sent != tt.body {
			t.Errorf("the body %q is sent as %q", tt.body, sent)
		}
	}
}
