package vault

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/internal/queue"
	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
)

// maxPath bounds a path, and so every name: the own store takes names of 16
// KiB, of which some are spent on saying what kind of name it is.
const maxPath = 15 << 10

// operation is what a method means to Vault.
type operation string

const (
	opRead   operation = "read"
	opList   operation = "list"
	opWrite  operation = "write"
	opPatch  operation = "patch"
	opDelete operation = "delete"
)

// request is one request on its way.
type request struct {
	w http.ResponseWriter
	r *http.Request

	id      string
	op      operation
	path    string // decoded, what follows /v1/
	query   url.Values
	token   string
	caller  gate.Caller
	session *client.Session
	clients *client.Registry

	line          string // whose turns it waits for
	first, second *queue.Each
}

// Valid implements gate.Standing.
func (q *request) Valid() bool {
	_, err := q.clients.Authenticate(q.token)
	return err == nil
}

// parse reads what does not depend on who asks.
func (q *request) parse() error {
	q.id = newUUID()
	q.caller = gate.Caller{Protocol: protocol, Remote: q.r.RemoteAddr, Request: q.id}
	q.token = q.bearer()
	p, verdict := splitPath(q.r.URL)
	switch verdict {
	case pathUnclean:
		return &bareError{status: http.StatusTemporaryRedirect, location: cleaned(q.r.URL)}
	case pathControl:
		return &bareError{status: http.StatusBadRequest}
	case pathOutside:
		return &statusError{status: http.StatusNotFound}
	case pathLong:
		return longPath()
	}
	q.path = p
	if gate.Relative(p) {
		return &statusError{http.StatusBadRequest, "relative paths not supported"}
	}
	if err := checkQuery(q.r.URL.RawQuery); err != nil {
		return err
	}
	if q.r.URL.RawQuery != "" {
		q.query = q.r.URL.Query()
	}
	if err := q.parseMethod(); err != nil {
		return err
	}
	if ns := strings.Trim(q.header(wire.NamespaceHeader), "/"); ns != "" && ns != "root" {
		return &statusError{http.StatusNotFound, "namespace not found"}
	}
	if ttl := q.header(wire.WrapTTLHeader); ttl != "" && strings.Trim(ttl, "0s") != "" {
		return &statusError{http.StatusBadRequest, "response wrapping is not supported here: leave " + wire.WrapTTLHeader + " out"}
	}
	return nil
}

func longPath() error {
	return &statusError{http.StatusBadRequest, "the path is longer than " + strconv.Itoa(maxPath) + " bytes"}
}

// header is Header.Get without making the name canonical again.
func (q *request) header(name string) string {
	if v := q.r.Header[http.CanonicalHeaderKey(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// bearer is the token of either header; Vault takes "Bearer" in this case only.
func (q *request) bearer() string {
	if t := q.header(wire.TokenHeader); t != "" {
		return t
	}
	token, ok := strings.CutPrefix(q.header("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(token)
}

func (q *request) parseMethod() error {
	switch q.r.Method {
	case http.MethodGet:
		q.op = opRead
		if list := q.query.Get("list"); list != "" {
			yes, err := strconv.ParseBool(list)
			if err != nil {
				return &statusError{status: http.StatusBadRequest}
			}
			if yes {
				q.op = opList
			}
		}
	case http.MethodHead:
		// Only sys/health takes it: see open.
		q.op = opRead
		if !strings.HasPrefix(q.path, "sys/health") {
			return &statusError{status: http.StatusMethodNotAllowed}
		}
	case wire.MethodList:
		q.op = opList
	case http.MethodPost, http.MethodPut:
		q.op = opWrite
	case http.MethodPatch:
		q.op = opPatch
	case http.MethodDelete:
		q.op = opDelete
	case http.MethodOptions:
		return &statusError{http.StatusBadRequest, "cannot handle internal-only request operation"}
	default:
		return &statusError{status: http.StatusMethodNotAllowed}
	}
	return nil
}

// verdict is what splitPath thinks of a path.
type verdict int

const (
	pathGood    verdict = iota
	pathUnclean         // "//", "." or ".." as they stand: net/http's mux redirects
	pathControl         // not printable: OpenBao answers a bare 400
	pathOutside         // not below /v1/
	pathLong
)

// splitPath returns what follows /v1/, decoded. Encoded dots and slashes are
// not cleaned away: "%2F" separates like "/", "%2e" and "%2e%2e" are refused
// later.
func splitPath(u *url.URL) (string, verdict) {
	switch {
	case len(u.Path) > maxPath:
		return "", pathLong
	case unclean(u.EscapedPath()):
		return "", pathUnclean
	case !printable(u.Path):
		return "", pathControl
	}
	rest, ok := strings.CutPrefix(u.Path, "/v1/")
	if !ok {
		return "", pathOutside
	}
	return rest, pathGood
}

// cleaned is where net/http's mux sends a request for a path that is not
// clean.
func cleaned(u *url.URL) string {
	p := path.Clean(u.EscapedPath())
	if strings.HasSuffix(u.EscapedPath(), "/") && p != "/" {
		p += "/"
	}
	if u.RawQuery != "" {
		p += "?" + u.RawQuery
	}
	return p
}

func unclean(escaped string) bool {
	clean := path.Clean(escaped)
	return clean != escaped && clean+"/" != escaped
}

// printable is OpenBao's rule: no control character, and no blank but the
// space.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
}

// newUUID gives a random UUID (version 4) for a request or cluster id.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
