package vaultstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
)

const (
	// maxAnswer bounds an answer; Vault takes no request of more than 32 MiB.
	maxAnswer = 32 << 20
	// maxRefusal bounds what is read of an answer of 400 and above.
	maxRefusal = 64 << 10
)

// request is one request to the server.
type request struct {
	method, path string // path below /v1/, quoted
	query        string
	token        string
	body         any // nil: none
	contentType  string
	login        bool
	root         bool // a path that only the root namespace has
	// header, when not nil, is filled with that of an answer of status 200.
	header *http.Header
}

// send sends r and decodes the JSON of an answer of status 200 into res,
// which may be nil for a caller who wants none.
func (s *Store) send(ctx context.Context, r request, res any) error {
	answer, err := s.roundTrip(ctx, r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 && !s.ignoreExceptions {
		return s.refusal(r, answer)
	}
	if res == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case len(body) > maxAnswer:
		return errTooLong
	case answer.StatusCode != http.StatusOK:
		return errNotJSON
	}
	if r.header != nil {
		*r.header = answer.Header
	}
	return decode(body, res)
}

func (s *Store) roundTrip(ctx context.Context, r request) (*http.Response, error) {
	u, err := parse(join(s.address, "v1/"+cleanPath(r.path)))
	if err != nil {
		return nil, invalidAddress(err)
	}
	if u.RawQuery == "" {
		u.RawQuery = r.query
	}
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, errors.New("the request cannot be encoded") // the cause could quote the payload
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	req.URL = u
	s.setHeaders(req, r)
	client, err := s.httpClient()
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

func (s *Store) setHeaders(req *http.Request, r request) {
	if !s.noRequestHeader {
		req.Header.Set(vault.RequestHeader, "true")
	}
	if r.token != "" {
		req.Header.Set(vault.TokenHeader, r.token)
	}
	if s.namespace != "" && !r.root {
		req.Header.Set(vault.NamespaceHeader, s.namespace)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	} else if r.body != nil {
		req.Header.Set("Content-Type", vault.ContentType)
	}
}

// refusal makes an error of an answer of 400 and above, as hvac's
// RawAdapter._raise_for_error does: the body counts as JSON only under the
// very type application/json.
func (s *Store) refusal(r request, answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	if err != nil {
		return err
	}
	e := &ResponseError{
		Status: answer.StatusCode, Method: lower(r.method), URL: safeURL(join(s.address, "v1/"+cleanPath(r.path))), login: r.login,
	}
	var said vault.ErrorResponse
	if answer.Header.Get("Content-Type") == vault.ContentType && json.Unmarshal(body, &said) == nil {
		e.Errors, e.Warnings = said.Errors, said.Warnings
		var version struct{ Metadata *vault.KVVersion }
		if json.Unmarshal(said.Data, &version) == nil {
			e.deleted = version.Metadata
		}
	}
	if e.Errors == nil {
		e.Text = string(body)
	}
	return e
}
