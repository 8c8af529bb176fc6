package airlock_test

import (
	"context"
	"strings"
	"sync"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// scripted is a store whose answers, and failures, a test writes down: the
// keys are names, the values what pyjson decodes, or an error, or a func() error.
type scripted struct {
	mu      sync.Mutex
	answers map[string]any
	calls   []string
}

func (s *scripted) Get(_ context.Context, name string) (*store.Secret, error) {
	s.mu.Lock()
	s.calls = append(s.calls, name)
	answer, ok := s.answers[name]
	if list, several := answer.(sequence); several {
		answer = list[0]
		if len(list) > 1 {
			s.answers[name] = list[1:]
		}
	}
	s.mu.Unlock()
	if !ok {
		return nil, &store.Error{Op: "get", Store: "script", Name: name, Code: store.NotFound}
	}
	switch v := answer.(type) {
	case error:
		return nil, v
	case func() error:
		return nil, v()
	}
	return &store.Secret{Payload: []byte(pyjson.Encode(answer)), Form: store.Object}, nil
}

// sequence answers successive calls; its last one answers all that follow.
type sequence []any

func (s *scripted) Close() error { return nil }

// Locate makes visible that attempts show places, not names.
func (s *scripted) Locate(name string) string { return "script:" + name }

// plainNames asks for "variables/k", or for "variables/k/team" when asked with
// a team, and takes what is there as it is.
type plainNames struct{}

var plural = map[airflow.Kind]string{
	airflow.KindVariable: "variables", airflow.KindConnection: "connections", airflow.KindConfig: "config",
}

func (plainNames) Names(ref airflow.Ref) dialect.Lookup {
	name := plural[ref.Kind] + "/" + ref.ID
	if ref.Team != "" {
		name += "/" + ref.Team
	}
	return dialect.Lookup{Names: []string{name}}
}

func (plainNames) Refs(name string) []airflow.Ref {
	parts := strings.SplitN(name, "/", 3)
	for kind, word := range plural {
		if len(parts) > 1 && parts[0] == word {
			return []airflow.Ref{{Kind: kind, ID: parts[1]}}
		}
	}
	return nil
}

func (plainNames) Decode(_ airflow.Ref, s *store.Secret) (dialect.Value, error) {
	v, err := pyjson.Decode(string(s.Payload))
	return dialect.Value{Data: v}, err
}

func (plainNames) Encode(_ airflow.Ref, v dialect.Value) (*store.Secret, error) {
	return &store.Secret{Payload: []byte(pyjson.Encode(v.Data)), Form: store.Object}, nil
}
