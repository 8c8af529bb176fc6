package vault

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// policies is what tokens are said to carry. The rules that count are the
// client's; nothing here depends on a policy's name.
func policies() []string { return []string{"default"} }

// auth serves auth/ for a caller with a valid token.
func (h *Handler) auth(q *request, rest string) error {
	verb, ok := strings.CutPrefix(rest, "token/")
	if !ok {
		return noPath()
	}
	switch verb {
	case "lookup-self":
		if q.op != opRead && q.op != opWrite {
			return unsupported()
		}
		return h.lookup(q, q.token)
	case "lookup", "renew", "renew-self", "revoke-self":
		if q.op != opWrite {
			return unsupported()
		}
	default:
		return noPath()
	}
	body, err := q.body(maxAuthBody)
	if err != nil {
		return err
	}
	token := q.token
	if verb == "lookup" || verb == "renew" {
		if given, ok := asText(body["token"]); ok && given != "" {
			token = given
		}
	}
	switch verb {
	case "lookup":
		return h.lookup(q, token)
	case "revoke-self":
		return h.revoke(q)
	}
	return h.renew(q, token, body["increment"])
}

func noPath() error {
	return &statusError{http.StatusNotFound, listed("unsupported path")}
}

// ofCaller lets a caller ask about its own token only.
func (h *Handler) ofCaller(q *request, token string) error {
	if token == q.token {
		return nil
	}
	if _, err := h.clients.Authenticate(token); err != nil {
		return &statusError{http.StatusForbidden, "bad token"}
	}
	return &statusError{http.StatusForbidden, listed("permission denied")}
}

func (h *Handler) lookup(q *request, token string) error {
	err := h.ofCaller(q, token)
	if err = h.gate.Note(&q.caller, "lookup", "found", err); err != nil {
		return err
	}
	s, now := q.session, time.Now()
	info := wire.TokenInfo{Accessor: s.Accessor, CreationTime: s.Created.Unix(), CreationTTL: seconds(s.TTL),
		DisplayName: displayName(s), ID: token, IssueTime: stamp(s.Created), Orphan: true, Path: s.Path,
		Policies: policies(), Renewable: s.Renewable(), Type: "service", Meta: meta(s)}
	if !s.Expires.IsZero() {
		expires := stamp(s.Expires)
		info.ExpireTime, info.TTL = &expires, max(seconds(s.Expires.Sub(now)), 0)
	}
	return q.data(http.StatusOK, info)
}

func displayName(s *client.Session) string {
	if s.Renewable() {
		return "approle"
	}
	return "token-" + s.Principal.Name
}

func meta(s *client.Session) map[string]string {
	if s.Renewable() {
		return map[string]string{"role_name": s.Principal.Name}
	}
	return nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (h *Handler) renew(q *request, token string, increment rawJSON) error {
	err := h.ofCaller(q, token)
	var s *client.Session
	if err == nil {
		d := time.Duration(0)
		if !isNull(increment) {
			var ok bool
			if d, ok = asDuration(increment); !ok {
				err = conversion("increment", "time: invalid duration")
			}
		}
		if err == nil {
			s, err = h.clients.Renew(token, d)
		}
		if store.CodeOf(err) == store.Invalid && !q.session.Renewable() {
			err = &statusError{http.StatusBadRequest, "lease is not renewable"}
		}
	}
	if err = h.gate.Note(&q.caller, "renew", "renewed", err); err != nil {
		return err
	}
	return q.auth(authOf(s, token))
}

func authOf(s *client.Session, token string) *wire.Auth {
	return &wire.Auth{ClientToken: token, Accessor: s.Accessor, Policies: policies(), TokenPolicies: policies(),
		Metadata: meta(s), LeaseDuration: seconds(s.TTL), Renewable: s.Renewable(), TokenType: "service", Orphan: true}
}

func (h *Handler) revoke(q *request) error {
	err := h.clients.Drop(q.token)
	if store.CodeOf(err) == store.Denied {
		err = &statusError{http.StatusForbidden, listed("permission denied: " + store.Hint(err))}
	}
	if err = h.gate.Note(&q.caller, "revoke", "revoked", err); err != nil {
		return err
	}
	return q.done()
}

// login serves AppRole logins, which need no token.
// https://openbao.org/api-docs/auth/approle/#login-with-approle
func (h *Handler) login(q *request) error {
	if q.op != opWrite {
		return unsupported()
	}
	s, token, err := h.approle(q)
	if err = h.gate.Note(&q.caller, "login", "logged in", err); err != nil {
		return err
	}
	return q.auth(authOf(s, token))
}

func (h *Handler) approle(q *request) (*client.Session, string, error) {
	body, err := q.body(maxAuthBody)
	if err != nil {
		return nil, "", err
	}
	role, ok := asText(body["role_id"])
	if !ok || role == "" {
		return nil, "", &statusError{http.StatusBadRequest, "missing role_id"}
	}
	secret, ok := asText(body["secret_id"])
	if !ok || secret == "" {
		return nil, "", &statusError{http.StatusBadRequest, "missing secret_id"}
	}
	s, token, err := h.clients.Login(q.r.Context(), role, secret)
	if store.CodeOf(err) == store.Unauthenticated {
		return nil, "", &loginError{}
	}
	if err == nil {
		q.caller.Principal = &s.Principal
	}
	return s, token, err
}

// loginError is Vault's answer to a role or secret id that is not good: 400,
// whatever is wrong.
type loginError struct{}

// Error is Vault's text.
func (*loginError) Error() string { return "invalid role or secret ID" }

// Unwrap gives the answer its status, and the audit line its code.
func (*loginError) Unwrap() []error {
	return []error{&store.Error{Op: "log in", Code: store.Unauthenticated},
		&statusError{http.StatusBadRequest, "invalid role or secret ID"}}
}

// capabilities answers what the caller may do on paths.
// https://openbao.org/api-docs/system/capabilities-self/
func (h *Handler) capabilities(q *request) error {
	if q.op != opWrite {
		return unsupported()
	}
	body, err := q.body(maxBody)
	if err != nil {
		return err
	}
	paths, err := pathsOf(body)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return &statusError{http.StatusBadRequest, "paths must be supplied"}
	}
	if err := h.gate.Note(&q.caller, "capabilities", "found", nil); err != nil {
		return err
	}
	data := map[string]any{}
	for _, p := range paths {
		data[p] = h.capabilitiesOn(q, p)
	}
	if len(paths) == 1 {
		data["capabilities"] = data[paths[0]]
	}
	return q.flat(data)
}

func pathsOf(body object) ([]string, error) {
	var paths []string
	for _, field := range []string{"paths", "path"} {
		raw := body[field]
		if isNull(raw) {
			continue
		}
		if raw[0] != '[' {
			raw = slices.Concat(rawJSON("["), raw, rawJSON("]"))
		}
		list, err := items("paths", raw, maxPaths-len(paths))
		if err != nil {
			return nil, beyond("paths", maxPaths)
		}
		texts, err := texts(list)
		if err != nil {
			continue
		}
		for _, path := range texts {
			if len(path) > maxPath {
				return nil, longPath()
			}
		}
		paths = append(paths, texts...)
	}
	return paths, nil
}

func (h *Handler) capabilitiesOn(q *request, path string) []string {
	m, rest, ok := h.mount(path)
	if !ok || gate.Relative(path) {
		return []string{"deny"}
	}
	rest = strings.TrimPrefix(rest, "/")
	if m.Version == 2 {
		_, rest, _ = strings.Cut(rest, "/")
	}
	n := h.name(rest)
	var can []string
	for _, c := range []struct {
		action acl.Action
		words  []string
	}{
		{acl.Write, []string{"create", "patch", "update"}}, {acl.Delete, []string{"delete"}},
		{acl.List, []string{"list"}}, {acl.Read, []string{"read"}},
	} {
		if h.gate.Allows(&q.caller, c.action, n) {
			can = append(can, c.words...)
		}
	}
	if can == nil {
		return []string{"deny"}
	}
	slices.Sort(can)
	return can
}
