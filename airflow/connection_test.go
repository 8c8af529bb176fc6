package airflow

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// hush stands for what must not get out.
const hush = "s3cret"

// TestConnectionErrorsAreSafe reads values that cannot be read, each with the
// secret where the error is.
func TestConnectionErrorsAreSafe(t *testing.T) {
	big := strings.Repeat("9", 4301)
	for _, c := range []struct{ text, kind, message string }{
		{"", "IndexError", "blank"},
		{"t://u:" + hush + "/x@h", "ValueError", "percent-encode / ? # in the password as %2F"},
		{"t://u:" + hush + "#x@h", "ValueError", "port in the connection URI is not a number"},
		{"t://h:77777" + "/" + hush, "ValueError", "out of range 0-65535"},
		{"t://h:" + big + "/" + hush, "ValueError", "out of range 0-65535"},
		{"t://u:" + hush + "[@h", "ValueError", "unbalanced bracket"},
		{"t://u:[" + hush + "]@h", "ValueError", "%5B and %5D"},
		{"t://u:[v" + hush + "]@h", "ValueError", "IPvFuture"},
		{"t://u:" + hush + "@[1.2.3.4]", "ValueError", "leave the brackets out"},
		{"t://u:" + hush + "：@h", "ValueError", "normalises"},
		{"t://u:" + hush + "@a://b://c", "AirflowException", `more than two "://"`},
		{"t://u:" + hush + "@h?x=a://b", "AirflowException", "percent-encode a :// inside"},
		{"{" + hush, "JSONDecodeError", "malformed: Expecting property name"},
		{`{"port": "` + hush + `"}`, "ValueError", "port is not an integer"},
		{`{"port": "` + big + `"}`, "ValueError", "port is not an integer"},
		{`{"port": NaN}`, "ValueError", "port is not an integer"},
		{`{"port": Infinity}`, "OverflowError", "port is not an integer"},
		{`{"port": ["` + hush + `"]}`, "TypeError", "port is not an integer"},
		{`{"port": ` + big + `}`, "ValueError", "more than 4300 digits"},
		{`{"` + hush + `": 1}`, "TypeError", "has a field that Airflow does not know"},
		{`{"username": "` + hush + `"}`, "TypeError", `has a field "username" that`},
		{`{"conn_id": "` + hush + `"}`, "TypeError", "leave it out"},
		{`{"conn_type": 5}`, "TypeError", "holds a value of type int"},
		{`{"conn_type": ["-"]}`, "AttributeError", "holds a value of type list"},
		{`{"uri": "t://` + hush + `", "host": "x"}`, "AirflowException", "either the one or the others"},
		{`{"uri": 5}`, "AttributeError", "uri is not a string"},
		{`{"uri": ["` + hush + `"]}`, "TypeError", "uri is not a string"},
	} {
		for _, r := range []Reading{SDK, ORM} {
			conn, err := ParseConnection("c", c.text, r)
			var e *Error
			if conn != nil || !errors.As(err, &e) || e.Type != c.kind || !strings.Contains(e.Message, c.message) {
				t.Errorf("%s %.40q: %v, %v; want %s with %q", r, c.text, conn, err, c.kind, c.message)
				continue
			}
			leaks(t, err)
		}
	}
	for _, text := range []string{
		`{"extra": "` + hush + `"}`, `{"extra": ["` + hush + `"]}`, `{"password": ["` + hush + `"]}`, `{"password": "` + hush + `\ud800"}`,
		"t://h?__extra__=" + hush, "t://h?a=" + strings.Repeat("9", 4301) + "&b=" + hush, "t://h?a=" + strings.Repeat("[", 2000) + hush,
	} {
		conn, err := ParseConnection("c", text, ORM)
		if conn != nil || err == nil {
			t.Errorf("ORM %.40q: %v", text, conn)
			continue
		}
		leaks(t, err)
		if conn, err := ParseConnection("c", text, SDK); err != nil || conn == nil {
			t.Errorf("SDK %.40q: %v", text, err)
		}
	}
}

// leaks fails the test if any way of printing v shows the secret.
func leaks(t *testing.T, v any) {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "t", "10.3s", "#q", "U"} {
		fmt.Fprintf(&b, "%"+verb+"\n", v)
	}
	fmt.Fprintf(&b, "%+v %#v\n", struct{ V any }{v}, []any{v})
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("m", "v", v, "s", struct{ V any }{v}, "l", []any{v})
	}
	j, _ := json.Marshal(map[string]any{"v": v})
	x, _ := xml.Marshal(v)
	b.Write(j)
	b.Write(x)
	for _, form := range []string{hush, fmt.Sprintf("%x", hush), fmt.Sprintf("%X", hush), fmt.Sprintf("%d", []byte(hush))} {
		if strings.Contains(b.String(), form) {
			t.Errorf("the secret gets out:\n%s", b.String())
			return
		}
	}
}

func TestConnectionRedactsItself(t *testing.T) {
	c := &Connection{ID: "id", Type: hush, Description: hush, Host: hush, Login: hush, Password: hush, Schema: hush, Port: hush, Extra: hush}
	leaks(t, c)
	leaks(t, *c)
	if got := fmt.Sprintf("%p", c); strings.Contains(got, hush) {
		t.Errorf("%%p prints %s", got)
	}
	if got, want := fmt.Sprint(c), `connection{"id", sdk, redacted}`; got != want {
		t.Errorf("prints as %s, want %s", got, want)
	}
	if _, err := json.Marshal(c); err == nil {
		t.Error("encoding it as JSON succeeds")
	}
	var none *Connection
	if got := fmt.Sprint(none); got != "<nil>" {
		t.Errorf("nil prints as %s", got)
	}
}

func TestAs(t *testing.T) {
	row := &Connection{ID: "c", Type: "my-type", Description: "d", Password: "", Port: "80", Extra: "[1]", Reading: ORM}
	task := row.As(SDK)
	if task.Reading != SDK || task.Description != nil || task.Type != "my-type" || task.Port != "80" || task.Extra != "[1]" || task.ID != "c" {
		t.Errorf("As(SDK) = %#v", *task)
	}
	if row.Description != "d" || row.Reading != ORM {
		t.Error("As changed its receiver")
	}
	if err := row.CheckExtra(); err == nil || err.(*Error).Original() != "Encountered JSON value in `extra` which does not parse as a dictionary in connection 'c'. The `extra` field must contain a JSON representation of a Python dict." {
		t.Errorf("CheckExtra of a row: %v", err)
	}
	if err := task.CheckExtra(); err != nil {
		t.Errorf("CheckExtra of a task's connection: %v", err)
	}
	server := (&Connection{ID: "not valid", Password: "", Description: "d"}).As(ORM)
	if server.ID != "" || server.Password != nil || server.Description != "d" {
		t.Errorf("As(ORM) = %q, %v, %v", server.ID, server.Password, server.Description)
	}
	if same := task.As(SDK); *same != *task || same == task {
		t.Error("As the same reading is not a copy")
	}
}

func TestORMIDs(t *testing.T) {
	for id, want := range map[string]string{
		"aws_default": "aws_default", `a#!()-.:/\b`: `a#!()-.:/\b`, "é٣": "é٣", "a b": "", "": "", "\n": "", "a\n": "a", "a\nb": "", "a%": "",
		strings.Repeat("é", 250): strings.Repeat("é", 250), strings.Repeat("a", 251): "", "\xed\xa0\x80": "",
	} {
		if c, err := ParseConnection(id, "t://h", ORM); err != nil || c.ID != want {
			t.Errorf("id %.20q becomes %.20q (%v), want %.20q", id, c.ID, err, want)
		}
		if c, err := ParseConnection(id, "t://h", SDK); err != nil || c.ID != id {
			t.Errorf("the SDK class changes the id %.20q to %.20q (%v)", id, c.ID, err)
		}
	}
}

func TestPortOfJSON(t *testing.T) {
	tenTo20, _ := new(big.Int).SetString("100000000000000000000", 10)
	for text, want := range map[string]any{
		`" 5_432\n"`: int64(5432), `"-0"`: int64(0), `"٣٤"`: int64(34), `"\u00a07\u3000"`: int64(7), `"𝟠"`: int64(8), "true": int64(1),
		"-0.5": int64(0), "1e20": tenTo20, "100000000000000000000": tenTo20, `"100000000000000000000"`: tenTo20, "false": nil, "[]": nil,
	} {
		c, err := ParseConnection("c", `{"port": `+text+`}`, SDK)
		if err != nil || !equal(c.Port, want) {
			t.Errorf("port %s: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{`"5__4"`, `"_5"`, `"5_"`, `"+_5"`, `"- 5"`, `"5.0"`, `"0x1"`, `"\u001c5"`, `"½"`, `"5\u0000"`, `" "`, `"\ud800"`} {
		if c, err := ParseConnection("c", `{"port": `+text+`}`, SDK); err == nil {
			t.Errorf("port %s is read as %v", text, c.Port)
		}
	}
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		"a%2Fb": "a/b", "%": "%", "%4": "%4", "%zz": "%zz", "%%41": "%A", "a+b": "a+b", "%c3%A9": "é",
		"%C3é": "\ufffdé", "%E2%82": "\ufffd", "%E2%82x": "\ufffdx", "%ED%A0%80": "\ufffd\ufffd\ufffd",
		"%F0%80%80%80": "\ufffd\ufffd\ufffd\ufffd", "%F0%9F%98": "\ufffd", "%F5": "\ufffd", "%C0%AF": "\ufffd\ufffd", "é%FFé": "é\ufffdé",
	} {
		if got := unquote(in); got != want {
			t.Errorf("unquote(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestURIOfOddFields(t *testing.T) {
	for _, c := range []struct {
		c    Connection
		want string // the URI, or the type of the error
	}{
		{Connection{Type: "a_b", Port: 8080.5}, "a-b://@:8080.5"},
		{Connection{Type: "t", Port: true}, "t://@:True"},
		{Connection{Type: "t", Port: []any{"x", nil, 1.5}}, "t://@:['x', None, 1.5]"},
		{Connection{Type: "t", Login: "", Host: "://x"}, "t://x"},
		{Connection{Password: "p", Host: "http://h"}, "//http://:p@h"},
		{Connection{Type: "a/b", Password: "p", Host: "h"}, "a/b://:p@h"},
		{Connection{Type: "a", Password: "p", Host: "b/c://h"}, "a://b/c://:p@h"},
		{Connection{Type: 5.5}, "AttributeError"},
		{Connection{Host: int64(5)}, "TypeError"},
		{Connection{Host: []any{"://"}}, "AttributeError"},
		{Connection{Host: "\xed\xa0\x80"}, "UnicodeEncodeError"},
		{Connection{Schema: math.NaN()}, "TypeError"},
		{Connection{Extra: `{"a": "\ud800"}`}, "UnicodeEncodeError"},
		{Connection{Extra: `{"a": ["\ud800"]}`}, `///?__extra__=%7B%22a%22%3A+%5B%22%5Cud800%22%5D%7D`},
		{Connection{Extra: "hello", Schema: "s"}, "///s?__extra__=hello"},
	} {
		got, err := c.c.URI()
		var e *Error
		if errors.As(err, &e) {
			got += e.Type
		}
		if got != c.want {
			t.Errorf("URI = %q, %v; want %q", got, err, c.want)
		}
	}
}

// scheme is what urlsplit takes for one.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

// FuzzParseConnection holds what must be true of any text: no panic, an error
// or a connection but not both, and a URI and a JSON form that keep what they
// can hold.
func FuzzParseConnection(f *testing.F) {
	files, err := vectors.Load()
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, c := range file.Cases {
			var in struct{ Kind, Value string }
			if json.Unmarshal(c.Input, &in) == nil && in.Kind == "serialized" {
				f.Add(in.Value)
			}
		}
	}
	f.Add(`{"password": "0", "host": "0://0"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []Reading{SDK, ORM} {
			c, err := ParseConnection("c", text, r)
			var e *Error
			if (c == nil) != (err != nil) || err != nil && (!errors.As(err, &e) || e.Type == "" || e.Message == "") {
				t.Fatalf("%s %q: %v, %v", r, text, c, err)
			}
			if c == nil {
				continue
			}
			checkURI(t, c)
			checkJSON(t, c)
		}
	})
}

// checkURI parses the URI again, which Airflow's losses (a port of 0, absent
// fields that become empty) leave with the same password. They also lose where
// the login begins if the type, or the protocol before the host, is no scheme:
// a host "http://h" without a type becomes "//http://:password@h".
func checkURI(t *testing.T, c *Connection) {
	host, _ := c.Host.(string)
	protocol, _, ok := strings.Cut(host, "://")
	if kind, _ := c.Type.(string); ok && !scheme.MatchString(kind) || ok && !scheme.MatchString(protocol) ||
		kind != "" && !scheme.MatchString(kind) {
		return
	}
	uri, err := c.URI()
	if err != nil {
		return
	}
	again, err := ParseConnection("c", uri, c.Reading)
	if err != nil {
		return // a port beyond 65535, an extra that only the SDK takes
	}
	if c.Password != nil && c.Password != "" && !equal(c.Password, again.Password) {
		t.Fatalf("%s: %q loses the password", c.Reading, uri)
	}
	if _, err := again.JSON(); err != nil {
		t.Fatalf("%s: %q: %v", c.Reading, uri, err)
	}
}

// checkJSON parses the JSON form again, which keeps every text.
func checkJSON(t *testing.T, c *Connection) {
	text, err := c.JSON()
	if err != nil {
		return
	}
	again, err := ParseConnection("c", text, c.Reading)
	if err != nil {
		return // a number as the type, an extra that is no object
	}
	once, err := again.JSON()
	if err != nil {
		t.Fatalf("%s: %s: %v", c.Reading, text, err)
	}
	v, _ := pyjson.Decode(once)
	for _, name := range []string{"host", "login", "password", "schema", "description"} {
		before, now := *c.field(name), *again.field(name)
		if s, ok := before.(string); ok && s != "" && pyjson.Encode(s) != pyjson.Encode(now) {
			t.Fatalf("%s: %s has another %s: %v", c.Reading, text, name, v)
		}
	}
}
