package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// FuzzWire sends any body to every operation of a daemon, and reads any text
// as its answer.
func FuzzWire(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.LookupPaths) {
		if body, err := json.Marshal(request{Namespace: DefaultNamespace, Name: []byte(text)}); err == nil && len(text) < 100 {
			f.Add("get", body)
		}
	}
	f.Add("put", []byte(`{"namespace":"default","name":"eA==","secret":{"payload":"dg==","form":1,"attributes":{"a":{"b":"c"}}},"if_version":0}`))
	f.Add("put", []byte(`{"namespace":"default","name":"eA=="}`))
	f.Add("hide", []byte(`{"namespace":"default","name":"a25vd24=","versions":[1,1,-1,9223372036854775807],"protocol":"vault"}`))
	f.Add("destroy", []byte(`{"namespace":"default","name":"a25vd24=","versions":[1]}`))
	f.Add("set-attributes", []byte(`{"namespace":"default","name":"a25vd24=","attributes":{"":"\ud800"}}`))
	f.Add("list", []byte(`{"namespace":"default"}{}`))
	f.Add("hello", []byte(`{"error":{"code":"denied","name":"/w=="},"names":["/w=="],"record":{"versions":[{}]}}`))
	f.Fuzz(func(t *testing.T, op string, body []byte) {
		known := memstore.New("memory")
		if _, err := known.Put(t.Context(), "known", &store.Secret{Payload: []byte("v")}, nil); err != nil {
			t.Fatal(err)
		}
		refused := 0
		s := &Server{dir: "/", stores: map[string]store.Store{DefaultNamespace: known}, hooks: Hooks{Suspend: func(string) error { return nil },
			Refused: func(string, error) error { refused++; return nil }}}
		for _, op := range append(slices.Clone(operations), opHello, opSuspend, op) {
			sent(t, s, op, body, &refused)
		}
		received(t, body)
	})
}

// sent is one call: what is understood is answered, and what is not is refused
// once.
func sent(t *testing.T, s *Server, op string, body []byte, refused *int) {
	before := *refused
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.URL.Path = "/v1/" + op
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	switch w.Code {
	case http.StatusBadRequest:
		if *refused != before+1 {
			t.Errorf("%s of %q is refused %d times", op, body, *refused-before)
		}
	case http.StatusOK:
		var a answer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%s of %q is answered by %q: %v", op, body, w.Body, err)
		}
		if a.Error != nil && a.Error.Code == "" {
			t.Errorf("%s of %q fails without a reason: %+v", op, body, a.Error)
		}
	default:
		t.Errorf("%s of %q: status %d", op, body, w.Code)
	}
}

// received reads a text as an answer: what it holds goes back over the wire
// unchanged, and its error is a *store.Error.
func received(t *testing.T, body []byte) {
	var a, again answer
	if json.Unmarshal(body, &a) != nil {
		return
	}
	if a.Secret != nil {
		a.Secret = fromSecret(a.Secret.secret())
	}
	if a.Error != nil {
		err := a.Error.error()
		var typed *store.Error
		if !errors.As(err, &typed) || typed.Name != string(a.Error.Name) || store.CodeOf(err) != a.Error.Code {
			t.Errorf("%+v is the error %v", a.Error, err)
		}
		a.Error = fromError(err)
	}
	once, err := json.Marshal(a)
	if err != nil {
		return // a year that JSON has no form for
	}
	if err := json.Unmarshal(once, &again); err != nil {
		t.Fatalf("%q: %v", once, err)
	}
	twice, err := json.Marshal(again)
	if err != nil || !bytes.Equal(once, twice) {
		t.Errorf("%q comes back as %q, %v", once, twice, err)
	}
	if a.Error != nil && strings.ToValidUTF8(a.Error.Hint, "\ufffd") != again.Error.Hint {
		t.Errorf("the hint %q comes back as %q", a.Error.Hint, again.Error.Hint)
	}
}
