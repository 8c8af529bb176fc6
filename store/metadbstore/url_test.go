package metadbstore

import (
	"encoding/json"
	"net/url"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// urls are what people write and mistype; the answers are SQLAlchemy's own.
var urls = []string{
	"postgresql://u:p@h/d", "postgresql+psycopg2://u:p@h:5432/d", "postgresql://h/d", "postgresql://", "postgresql:///d", "postgresql://u@h",
	"postgresql://u:@h/d", "postgresql://:p@h/d", "postgresql://@h/d", "postgresql://u%40x:p%3A%2F%25@h/d%2Fe", "postgresql://u+x:p+y@h/d+e",
	"postgresql://u:p%zz%4@h/d", "postgresql://u:%ff%C3%BC@h/d", "postgresql://u:p/q?r#s@h/d", "postgresql://u:p:q@h/d", "postgresql://u@x:p@h/d",
	"postgresql://[::1]:5432/d", "postgresql://u:p@[fe80::1%25eth0]/d", "postgresql://[::1/d", "postgresql://h:/d", "postgresql://h1,h2:5432/d",
	"postgresql://h/d?sslmode=require&options=-csearch_path%3Dx", "postgresql://h/d?a=&b=c+d&b=e%2Bf&=g&h", "postgresql://h?sslmode=require",
	"postgresql:///d?host=h1:1&host=h2:2", "postgresql:///d?host=h1,h2&port=1,2", "postgresql:///d?host=h1:1", "postgresql:///d?host=/run/x",
	"postgresql://h/d?host=x&port=7", "postgresql:///d?host=h1&host=h2", "postgresql:///d?host=", "postgresql://ü:ö@ä/ß", "postgresql://h/d#frag",
	"postgresql://h/a/b", "postgresql://h//d", "postgresql://h/d?x=1?y=2", "postgresql://h/d;x",
	"mysql+pymysql://u:p@h:3306/d?charset=utf8mb4", "mysql://u:p@localhost/d?unix_socket=/tmp/s", "sqlite:////tmp/x%20y.db", "sqlite:///x", "sqlite://",
	"postgresql://u:p@h:x/d", "postgresql://h1:1,h2:2/d", "/tmp/x", "", "u:p@h", "http//x", "postgresql:/h", "post-gresql://h",
}

const makeURL = `
import json, sys
from sqlalchemy.engine import make_url
def take(text):
    try:
        u = make_url(text)
    except Exception:
        return None
    answer = {"name": u.drivername, "user": u.username or "", "password": str(u.password or ""), "host": u.host or "", "port": str(u.port or ""),
              "database": u.database or "", "query": {k: [v] if isinstance(v, str) else list(v) for k, v in u.query.items()}}
    if text.startswith("postgresql"):
        try:
            args = u.get_dialect()().create_connect_args(u)[1]
            answer["pg"] = {"host": str(args.get("host", "")), "port": str(args.get("port", ""))}
        except Exception:
            answer["pg"] = {}
    return answer
json.dump([take(t) for t in json.load(sys.stdin)], sys.stdout)
`

// answer is what SQLAlchemy reads; PG is what libpq is given.
type answer struct {
	Name, User, Password, Host, Port, Database string
	Query                                      url.Values
	PG                                         map[string]string
}

func TestURLsAsSQLAlchemyReadsThem(t *testing.T) {
	asked, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(baotest.Tool(t, "python"), "-c", makeURL)
	cmd.Stdin = strings.NewReader(string(asked))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []*answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(urls) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, want := range answers {
		u, err := parseURL(urls[i])
		if want == nil || err != nil {
			if (want == nil) != (err != nil) {
				t.Errorf("%s: %v, SQLAlchemy: %+v", urls[i], err, want)
			}
			continue
		}
		got := &answer{Name: strings.TrimSuffix(u.backend+"+"+u.driver, "+"), User: u.user, Password: u.password, Host: u.host, Port: u.port,
			Database: u.database, Query: u.query, PG: want.PG}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", urls[i], got, want)
		}
		if want.PG["host"] == "" {
			continue
		}
		settings := map[string]string{"host": u.host, "port": u.port}
		for name := range u.query {
			settings[name] = u.option(name)
		}
		if err := u.severalHosts(settings); err != nil || settings["host"] != want.PG["host"] || settings["port"] != want.PG["port"] {
			t.Errorf("%s: host %q, port %q, %v, want %q and %q", urls[i], settings["host"], settings["port"], err, want.PG["host"], want.PG["port"])
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, u := range urls {
		f.Add(u)
	}
	f.Add(strings.Repeat("0", 31) + "://" + strings.Repeat("0", 31))
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Options{Conn: text}.engine()
		if err == nil {
			return
		}
		// The scheme is shown: what stands behind it may be a piece of it.
		if scheme, rest, ok := strings.Cut(text, "://"); ok && len(rest) > 30 && !strings.Contains(scheme, rest) && strings.Contains(err.Error(), rest) {
			t.Errorf("%q: the error quotes it: %v", text, err)
		}
	})
}
