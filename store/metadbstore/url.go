package metadbstore

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// location is a URL of SQLAlchemy's, taken apart (sqlalchemy.engine.URL).
type location struct {
	backend, driver          string // "postgresql", "psycopg2"; the driver may be empty
	user, password, database string
	host, port               string
	query                    url.Values
}

// urlPattern is the form of sqlalchemy.engine.url.make_url, which is not that
// of RFC 3986: a password may hold anything but an @, a user name anything but
// a slash and a colon, and what is left over at the end does not matter.
const urlPattern = `^([\w+]+)://` +
	`(?:([^:/]*)(?::([^@]*))?@)?` +
	`(?:(?:\[([^/?]+)\]|([^/:?]+))?(?::([^/?]*))?)?` +
	`(?:/([^?]*))?` +
	`(?:\?(.*))?`

// parseURL reads a URL as make_url does. Its errors hold nothing of it.
func parseURL(conn string) (location, error) {
	pattern := regexp.MustCompile(urlPattern)
	m := pattern.FindStringSubmatch(conn)
	if m == nil {
		return location{}, wrong(store.Invalid, "write it as postgresql+psycopg2://USER:PASSWORD@HOST:PORT/DATABASE, or as sqlite:////absolute/path/airflow.db",
			"sql_alchemy_conn is not a URL in SQLAlchemy's form")
	}
	u := location{
		user: unquote(m[2]), password: unquote(m[3]), host: m[4] + m[5], port: m[6], database: unquote(m[7]), query: parseQuery(m[8]),
	}
	u.backend, u.driver, _ = strings.Cut(m[1], "+")
	if strings.Contains(u.host, "@") {
		return location{}, wrong(store.Invalid, "write @ in the user name and the password as %40", "sql_alchemy_conn has more than one @ before the host")
	}
	if at := pattern.FindStringSubmatchIndex(conn); at[12] >= 0 { // a colon is there
		if n, err := strconv.ParseUint(u.port, 10, 16); err != nil || n == 0 {
			return location{}, wrong(store.Invalid, "escape @ : / and % in the user name and the password (%40 %3A %2F %25); "+
				"several hosts are written ?host=HOST1:PORT1&host=HOST2:PORT2", "the port in sql_alchemy_conn is not a number from 1 to 65535")
		}
	}
	return u, nil
}

// parseQuery is urllib.parse.parse_qsl: an option without a value is none.
func parseQuery(text string) url.Values {
	values := url.Values{}
	for _, pair := range strings.Split(text, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if value != "" {
			key = unquote(strings.ReplaceAll(key, "+", " "))
			values.Add(key, unquote(strings.ReplaceAll(value, "+", " ")))
		}
	}
	return values
}

// unquote decodes percent escapes as Python does: it leaves one alone that is
// none, and replaces what is not UTF-8.
func unquote(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// option returns the last value of the first key that is there.
func (u *location) option(keys ...string) string {
	for _, key := range keys {
		if values := u.query[key]; len(values) > 0 {
			return values[len(values)-1]
		}
	}
	return ""
}

// isOn reads a flag as sqlalchemy.util.asbool does; absent is off.
func isOn(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "on", "y", "t", "1":
		return true
	}
	return false
}

// where names the server and the database for a person. What does not look
// like a name is left out: it may be a password that went astray.
func (u *location) where(host string) string {
	if host == "" {
		host = "its usual socket"
	}
	where := u.backend + " at " + excerpt.Name(host)
	if u.database != "" && strings.IndexFunc(u.database, func(r rune) bool { return !isNameLetter(r) }) < 0 {
		where += "/" + excerpt.Name(u.database)
	}
	return where
}

func isNameLetter(r rune) bool {
	return r == '_' || r == '-' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
