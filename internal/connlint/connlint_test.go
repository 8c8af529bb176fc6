package connlint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/connlint"
)

// lines shows a report as a test reads it: one problem a line, the piece it is
// about between the columns of the masked text.
func lines(r *connlint.Report) string {
	masked, at := r.Masked()
	var b strings.Builder
	for i, p := range r.Problems {
		piece := string([]rune(masked)[at[i].From:at[i].End])
		if piece == masked {
			piece = "all"
		}
		fmt.Fprintf(&b, "%s %s %s", p.Severity, p.Code, piece)
		if p.Mends {
			fmt.Fprintf(&b, " -> %s", p.Write)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestLint(t *testing.T) {
	tests := []struct{ name, text, want, masked, mended string }{
		{"a correct URI", "postgres://user:pa%2Fss@db.example.com:5432/prod", "", "postgres://user:***@db.example.com:5432/prod", ""},
		{"a correct URI with extra", "aws://AKIA:abc%2Fdef@/?region_name=eu-west-1", "", "aws://AKIA:***@/?region_name=***", ""},
		{"a type that is written with a dash", "google-cloud-platform://?project=x", "", "google-cloud-platform://?project=***", ""},
		{"a correct object", `{"conn_type": "http", "host": "h", "port": 80, "extra": {"a": 1}}`, "", `{"conn_type": "http", "host": "h", "port": 80, "extra": ***}`, ""},
		{"http over https", "http://https://user:pw@api.example.com:8443", "", "http://https://user:***@api.example.com:8443", ""},
		{"an IPv6 host", "postgres://u:p@[::1]:5432/db", "", "postgres://u:***@[::1]:5432/db", ""},
		{"a path with an @", "https://api.example.com/users/@me", "", "https://api.example.com/***", ""},
		{"a query with an @", "smtp://u:p@mail.example.com/?from=a@b.example", "", "smtp://u:***@mail.example.com/?from=***", ""},
		{"an @ in the password", "postgres://u:p@ss@db.example.com/x", "", "postgres://u:***@db.example.com/x", ""},

		{"a slash in the password", "postgres://user:pa/ss@host:5432/db", "error uri-not-encoded / -> %2F",
			"postgres://user:***/***@host:5432/db", "postgres://user:pa%2Fss@host:5432/db"},
		{"a slash after digits", "postgres://user:12/34@host/db", "error uri-not-encoded / -> %2F",
			"postgres://user:***/***@host/db", "postgres://user:12%2F34@host/db"},
		{"a hash in the password", "postgres://user:pa#ss@host/db", "error uri-not-encoded # -> %23",
			"postgres://user:***#***@host/db", "postgres://user:pa%23ss@host/db"},
		{"a question mark in the password", "postgres://user:pa?ss@host/db?a=b", "error uri-not-encoded ? -> %3F",
			"postgres://user:***?***@host/db?a=***", "postgres://user:pa%3Fss@host/db?a=b"},
		{"brackets in the password", "postgres://u:p[x]y@h/db", "error uri-not-encoded [ -> %5B\nerror uri-not-encoded ] -> %5D",
			"postgres://u:***[***]***@h/db", "postgres://u:p%5Bx%5Dy@h/db"},
		{"an @ and a slash in the password, and a bare host", "postgres://u:p@ss/w@h/db", "warning uri-not-encoded ", "postgres://u:***@***", ""},
		{"an @ and a slash in the password", "postgres://user:p@ss/word@db.example.com:5432/prod", "error uri-not-encoded / -> %2F",
			"postgres://user:***/***@db.example.com:5432/prod", "postgres://user:p@ss%2Fword@db.example.com:5432/prod"},
		{"a secret key of AWS", "aws://AKIA:ab/c+d@/?region_name=x", "error uri-not-encoded / -> %2F\nnote uri-not-encoded +",
			"aws://AKIA:***/***+***@/?region_name=***", "aws://AKIA:ab%2Fc+d@/?region_name=x"},
		{"a slash and no @", "slack://:xoxb/abc", "error uri-not-encoded ***", "slack://:***", ""},
		{"an escape of a letter", "postgres://u:p%41@h/db", "warning uri-not-encoded %***", "postgres://u:***%***@h/db", ""},
		{"a percent sign", "postgres://u:100%@h/db", "note uri-not-encoded %", "postgres://u:***%@h/db", ""},
		{"a URL in the query", "http://u:p@h/?url=https://x.y/z", "error uri-not-encoded :// -> %3A%2F%2F",
			"http://u:***@h/?url=***://***", "http://u:p@h/?url=https%3A%2F%2Fx.y/z"},
		{"a full-width colon", "postgres://u:p：x@h/db", "error uri-not-encoded ： -> %EF%BC%9A", "postgres://u:***：***@h/db", "postgres://u:p%EF%BC%9Ax@h/db"},
		{"a port beyond", "postgres://u:p@h:70000/db", "error uri-not-encoded 70000", "postgres://u:***@h:70000/db", ""},
		{"two hosts", "mongo://u:p@h1:1,h2:2/db", "error uri-not-encoded ***", "mongo://u:***@h1:***", ""},

		{"an underscore in the type", "google_cloud_platform://?project=x", "error uri-scheme-underscore google_cloud_platform -> google-cloud-platform",
			"google_cloud_platform://?project=***", "google-cloud-platform://?project=x"},
		{"a type that begins with a digit", "3scale://h", "error uri-no-type 3scale", "3scale://h", ""},
		{"no type", "://u:p@h", "error uri-no-type ://", "://u:***@h", ""},
		{"no URI", "db.example.com:5432/prod", "error uri-no-type all", "***", ""},
		{"blank", " \n", "error uri-no-type all", ` \n`, ""},
		{"a fragment", "postgres://u:p@h/db#x", "warning uri-part-lost # -> %23", "postgres://u:***@h/db#***", "postgres://u:p@h/db%23x"},
		{"capitals in the host", "http://u:p@API.example.com", "note uri-part-lost API.example.com", "http://u:***@API.example.com", ""},
		{"the port of another type", "mysql://u:p@h:5432/db", "warning uri-port-of-other-type 5432", "mysql://u:***@h:5432/db", ""},
		{"the port of another type in an object", `{"conn_type": "snowflake", "port": 5432}`, "warning uri-port-of-other-type 5432",
			`{"conn_type": "snowflake", "port": 5432}`, ""},
		{"blanks around", " http://h\n", "note connection-whitespace   -> \nnote connection-whitespace \\n -> ", ` http://h\n`, "http://h"},
		{"a line break inside", "http://u:p\nw@h", `warning connection-whitespace \n`, `http://u:***\n***@h`, ""},
		{"a boolean in the query", "http://h/?verify=false", "note connection-readings ?verify=false", "http://h/?verify=false", ""},
		{"a plus sign in the query", "http://h/?token=a+b", "note uri-not-encoded +", "http://h/?token=***+***", ""},
		{"extra that is no JSON", "http://h/?__extra__=%7Ba", "error connection-extra ***", "http://h/?__extra__=***", ""},

		{"no JSON", `{'conn_type': 'http'}`, `error connection-json `, "***", ""},
		{"an unknown member", `{"conn_type": "http", "user": "u"}`, `error connection-json-fields "user" -> "login"`,
			`{"conn_type": "http", "user": "u"}`, `{"conn_type": "http", "login": "u"}`},
		{"an unknown member of no meaning", `{"conn_type": "http", "colour": "u"}`, `error connection-json-fields ***`,
			`{"conn_type": "http", ***: ***}`, ""},
		{"no conn_type", `{"host": "h"}`, "error connection-json-fields all", `{"host": "h"}`, ""},
		{"a port that is no number", `{"conn_type": "http", "port": "x"}`, `error connection-json-fields "x"`, `{"conn_type": "http", "port": "x"}`, ""},
		{"a password that is no string", `{"conn_type": "http", "password": 1}`, `error connection-json-fields ***`, `{"conn_type": "http", "password": ***}`, ""},
		{"extra that is text", `{"conn_type": "http", "extra": "a"}`, "error connection-extra ***", `{"conn_type": "http", "extra": ***}`, ""},
		{"extra that is a list", `{"conn_type": "http", "extra": [1]}`, "error connection-extra ***", `{"conn_type": "http", "extra": ***}`, ""},
		{"extra within extra", `{"conn_type": "http", "extra": {"__extra__": {"a": 1}}}`, "warning connection-extra ***", `{"conn_type": "http", "extra": ***}`, ""},
		{"a member twice", `{"conn_type": "http", "host": "a", "host": "b"}`, `warning connection-json-fields "host"`, `{"conn_type": "http", "host": "a", "host": "b"}`, ""},
		{"uri and another", `{"uri": "http://h", "host": "b"}`, `error connection-json-fields all`, `{"uri": ***, "host": "b"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := connlint.Lint(tt.text, connlint.Options{})
			if got := lines(r); got != tt.want {
				t.Errorf("problems:\n%s\nwant:\n%s", got, tt.want)
			}
			if got, _ := r.Masked(); got != tt.masked {
				t.Errorf("masked %s, want %s", got, tt.masked)
			}
			if r.Suggestion != tt.mended {
				t.Errorf("suggests %q, want %q", r.Suggestion, tt.mended)
			}
			if r.Worst() != connlint.Error && (r.WorkerErr != nil || r.ServerErr != nil) {
				t.Error("Airflow refuses it, and no problem is an error")
			}
		})
	}
}

func TestSecretsManagerHasNamesOfItsOwn(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{"user": "u", "pass": "p", "host": "h", "database": "d", "engine": "postgres"}`, ""},
		{`{"username": "u", "password": "p", "host": "h", "dbname": "d", "engine": "postgres", "port": 5432}`, `warning connection-json-fields "dbname" -> "schema"`},
		{`{"conn_type": "http", "description": "x"}`, `warning connection-json-fields "description"`},
		{`{"conn_id": "x", "conn_type": "http"}`, `error connection-json-fields "conn_id"`},
	}
	for _, tt := range tests {
		r := connlint.Lint(tt.text, connlint.Options{Service: connlint.ServiceSecretsManager})
		if got := lines(r); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// TestNothingToSayOfAirflowsOwnURIs: what get_uri() writes is correct, whatever
// the fields hold.
func TestNothingToSayOfAirflowsOwnURIs(t *testing.T) {
	for _, secret := range []string{"a/b", "p@ss/w:rd#?[x]", "100%", "%2F", "a b+c", "ü：", "://"} {
		c := airflow.Connection{Type: "postgres", Host: "db.example.com", Login: secret, Password: secret, Schema: secret, Port: int64(5432),
			Extra: `{"k": "` + secret + `"}`}
		uri, err := c.URI()
		if err != nil {
			t.Fatal(err)
		}
		if r := connlint.Lint(uri, connlint.Options{}); r.Worst() == connlint.Error || r.Worst() == connlint.Warning {
			t.Errorf("of %q: %s", uri, lines(r))
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add("postgres://user:pa/ss@host:5432/db?a=b#c", "")
	f.Add(`{"conn_type": "http", "extra": {"a": [1, "b\""]}}`, "secretsmanager")
	f.Add("{\"a\":\"\\\xff", "")
	f.Fuzz(func(t *testing.T, text, service string) {
		r := connlint.Lint(text, connlint.Options{Service: service})
		masked, at := r.Masked()
		for i := range r.Problems {
			if at[i].From > at[i].End || at[i].End > len([]rune(masked)) {
				t.Fatalf("a problem of %q stands outside of it", text)
			}
		}
		if r.Worst() != connlint.Error && r.WorkerErr != nil {
			t.Fatalf("no error for %q, which Airflow refuses", text)
		}
		r.MaskedSuggestion()
		if r.Suggestion != "" {
			if _, err := airflow.ParseConnection("", r.Suggestion, airflow.SDK); err != nil {
				t.Fatalf("the suggestion for %q does not parse", text)
			}
		}
	})
}
