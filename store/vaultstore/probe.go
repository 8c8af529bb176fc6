package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

var _ store.Prober = (*Store)(nil)

// Probe implements store.Prober: health and clock, the log-in, the token, the
// engine and its version, the capabilities on each name.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	const op = "check"
	if s.broken != nil {
		return nil, s.fail(op, "", s.broken)
	}
	p := &probe{s: s, ctx: ctx, names: names}
	if err := p.health(); err != nil {
		return p.found, s.fail(op, "", err)
	}
	g, err := s.doorman.enter(ctx, nil)
	if err != nil {
		err = s.fail("log in", "", err)
		var e *store.Error
		if errors.As(err, &e) && e.Code == store.NotFound { // no such method is no log-in
			e.Code = store.Unauthenticated
		}
		return p.found, err
	}
	p.token = g.token
	for _, step := range []func() error{p.self, p.engines, p.capabilities} {
		if err := step(); err != nil {
			return p.found, s.fail(op, "", err)
		}
	}
	if p.asked > 1 && p.asked == p.refused {
		return p.found, s.fail("log in", "", &store.Error{Code: store.Unauthenticated, Err: p.refusal, Hint: s.hint(p.refusal)})
	}
	return p.found, nil
}

// probe is one Probe.
type probe struct {
	s     *Store
	ctx   context.Context
	names []string
	token string
	found []store.Symptom
	// unseen are the engines that the token may not look at.
	unseen []string
	// policies are the token's.
	policies []string
	// asked counts the requests with the token, refused those with answer 403,
	// refusal is the last.
	asked, refused int
	refusal        *ResponseError
}

func (p *probe) add(s store.Symptom) { p.found = append(p.found, s) }

// ask sends one request with the token; seen is false where it is refused.
func (p *probe) ask(method, path string, body, data any) (seen bool, err error) {
	var res vault.Response
	err = p.s.send(p.ctx, request{method: method, path: path, token: p.token, body: body}, &res)
	p.asked++
	var refusal *ResponseError
	switch {
	case errors.As(err, &refusal) && refusal.Status < 500:
		if refusal.Status == http.StatusForbidden {
			p.refused++
			p.refusal = refusal
		}
		return false, nil
	case err != nil:
		return false, err
	}
	return json.Unmarshal(res.Data, data) == nil, nil
}
