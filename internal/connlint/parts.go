package connlint

import (
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// parts are the pieces of a URI as its writer meant them: type://
// login:password@host:port/path?query#fragment. Where the characters between
// them are not encoded, Airflow sees other ones.
type parts struct {
	scheme, protocol      piece
	login, password       piece
	host, port            piece
	path, query, fragment piece
	hasLogin, hasPassword bool
	hasPort, hasQuery     bool
	hasFragment           bool
	// userinfo is all that stands before the @.
	userinfo piece
	// broken is set where Airflow splits the text elsewhere.
	broken bool
}

// hostAfter is a host, with a port or without, as it stands after the @ of a
// URI. A list of hosts counts: some databases take one.
var hostAfter = lazyregexp.New(`^(\[[0-9A-Za-z:.%]+\]|[A-Za-z0-9._%~,-]*)(:[0-9]*)?(?:[/?#]|$)`)

// protocolBefore is the second scheme of http://https://host.
var protocolBefore = lazyregexp.New(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// split finds the pieces of text between body's ends; ok is false where there
// is no "://".
func split(text string, body piece) (u parts, ok bool) {
	i := strings.Index(body.of(text), "://")
	if i < 0 {
		return u, false
	}
	u.scheme = piece{body.from, body.from + i}
	start := u.scheme.end + len("://")
	if second := protocolBefore.FindString(text[start:body.end]); second != "" {
		u.protocol = piece{start, start + len(second) - len("://")}
		start += len(second)
	}
	authority := piece{start, start + index(text[start:body.end], "/?#")}
	at := strings.LastIndexByte(authority.of(text), '@')
	if at >= 0 {
		at += start
	}
	if meant := meantAt(text, piece{start, body.end}, authority, at); meant > at {
		at, u.broken = meant, true
	}
	if at >= start {
		u.userinfo, u.hasLogin = piece{start, at}, true
		u.login = u.userinfo
		if c := strings.IndexByte(u.userinfo.of(text), ':'); c >= 0 {
			u.login.end, u.password, u.hasPassword = start+c, piece{start + c + 1, at}, true
		}
		start = at + 1
	}
	u.splitHost(text, piece{start, start + index(text[start:body.end], "/?#")})
	u.splitTail(text, body.end)
	return u, true
}

// meantAt is where the @ before the host stands, as it was meant: at, which is
// what Airflow takes, or a later one, where characters of a login or password
// hide it.
func meantAt(text string, rest, authority piece, at int) int {
	found := at
	for i := authority.end; i < rest.end; i++ {
		if text[i] == '?' && found > authority.end {
			break // the query of what has been found
		}
		if text[i] == '@' && hostAfter.MatchString(text[i+1:rest.end]) && hides(text, authority, at, i) {
			found = i
		}
	}
	return found
}

// hides tells whether the @ at byte i is the one before the host, though a /,
// ? or # stands before it.
func hides(text string, authority piece, at, i int) bool {
	between := text[authority.end:i]
	if at < 0 {
		name, port, colon := strings.Cut(authority.of(text), ":")
		switch {
		case strings.HasPrefix(authority.of(text), "["):
			return false
		case !colon: // login only, with a slash in it, and then a password
			return strings.Contains(between, ":") && !strings.Contains(between, "=") && !strings.Contains(name, ".")
		case port != "" && isDigits(port): // https://host.example:8443/users/@me
			return !strings.Contains(name, ".") && !strings.Contains(between, "=")
		}
		return true
	}
	// login:p@ss/word@host: what follows the first @ is a word and no host.
	host := text[at+1 : authority.end]
	if strings.ContainsAny(host, ".:[") || strings.Contains(between, "=") {
		return false
	}
	after := hostAfter.FindStringSubmatch(text[i+1:])
	return after != nil && (strings.Contains(after[1], ".") || len(after[2]) > 1)
}

// splitHost sets host and port.
func (u *parts) splitHost(text string, all piece) {
	u.host = all
	from := all.from
	if shut := strings.IndexByte(all.of(text), ']'); shut >= 0 && text[all.from] == '[' {
		from = all.from + shut
	}
	if c := strings.IndexByte(text[from:all.end], ':'); c >= 0 {
		u.host.end, u.port, u.hasPort = from+c, piece{from + c + 1, all.end}, true
	}
	u.path = piece{all.end, all.end}
}

// splitTail sets path, query and fragment, which begin where the host ends.
func (u *parts) splitTail(text string, end int) {
	at := u.path.from
	if i := strings.IndexByte(text[at:end], '#'); i >= 0 {
		u.fragment, u.hasFragment = piece{at + i, end}, true
		end = at + i
	}
	if i := strings.IndexByte(text[at:end], '?'); i >= 0 {
		u.query, u.hasQuery = piece{at + i + 1, end}, true
		end = at + i
	}
	u.path = piece{at, end}
}

// index is strings.IndexAny with the end for "nowhere".
func index(s, any string) int {
	if i := strings.IndexAny(s, any); i >= 0 {
		return i
	}
	return len(s)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
