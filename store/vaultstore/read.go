package vaultstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// Protocol is under which Record and Secret have Vault's own attributes
// (custom_metadata), and the only one that may hide versions.
const Protocol = "vault"

// Get implements store.Store. Data that is null, or no object, is passed on as
// it is: what Airflow makes of it is the dialect's concern.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	return s.GetVersion(ctx, name, 0)
}

// GetVersion implements store.Versioner; KV version 1 has the latest only.
func (s *Store) GetVersion(ctx context.Context, name string, version int64) (*store.Secret, error) {
	const op = "get"
	if version != 0 && s.version == 1 {
		return nil, s.unversioned(op, name)
	}
	mount, path, err := s.place(op, name)
	if err != nil {
		return nil, err
	}
	r := request{method: "GET", path: s.at(mount, "data", path)}
	if version != 0 {
		r.query = fmt.Sprintf("version=%d", version)
	}
	var (
		res    vault.Response
		header http.Header
	)
	r.header = &header
	err = s.run(ctx, op, name, func(ctx context.Context, token string) error {
		r.token, res = token, vault.Response{}
		return s.send(ctx, r, &res)
	})
	if err != nil {
		if store.CodeOf(err) == store.NotFound {
			s.log.DebugContext(ctx, "no such secret", "store", s.name, "name", excerpt.Name(name))
		}
		return nil, err
	}
	secret, err := s.secretOf(res.Data)
	if err != nil {
		return nil, s.fail(op, name, err)
	}
	secret.Stale = staleSince(header, time.Now())
	return secret, nil
}

// staleSince is when the value of an answer was right that says that it is
// stale, as an airlock in front of a store that fails does. Zero: it is not.
func staleSince(h http.Header, now time.Time) time.Time {
	if !slices.ContainsFunc(h.Values(vault.WarningHeader), func(w string) bool { return strings.HasPrefix(w, "110 ") }) {
		return time.Time{}
	}
	age, err := strconv.ParseUint(h.Get(vault.AgeHeader), 10, 31)
	if err != nil {
		age = 0
	}
	return now.Add(-time.Duration(age) * time.Second).Round(time.Second)
}

// secretOf makes a secret of the data of an answer.
func (s *Store) secretOf(data json.RawMessage) (*store.Secret, error) {
	if data == nil {
		return nil, errNoData
	}
	if s.version == 1 {
		return &store.Secret{Payload: data, Form: store.Object}, nil
	}
	var kv vault.KVData
	if err := decode(data, &kv); err != nil {
		return nil, err
	}
	if kv.Data == nil {
		return nil, errNoData
	}
	secret := &store.Secret{Payload: kv.Data, Form: store.Object, Version: kv.Metadata.Version, Time: timeOf(kv.Metadata.CreatedTime)}
	secret.Attributes = attributesOf(kv.Metadata.CustomMetadata)
	return secret, nil
}

func attributesOf(custom map[string]string) map[string]map[string]string {
	if len(custom) == 0 {
		return nil
	}
	return map[string]map[string]string{Protocol: custom}
}

// timeOf is a time of Vault's, zero where it is empty or none.
func timeOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// decode reads an answer into v, one of the shapes below. A member of a type
// that is not expected is left empty: Airflow looks at data and client_token
// alone. Python reads some texts that are not JSON to Go (NaN and infinities);
// their parts are taken out in the form that Python writes them in.
func decode(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return decodePython(body, v)
	}
	if first := bytes.TrimSpace(body); len(first) == 0 || first[0] != '{' {
		return notObject(body)
	}
	return nil
}

// notObject says what a JSON text is that is no object.
func notObject(body []byte) error {
	v, err := pyjson.Decode(string(body))
	if err != nil {
		return errNotJSON
	}
	return &shapeError{pyjson.TypeName(v)}
}

// decodePython decodes what only Python takes for JSON.
func decodePython(body []byte, v any) error {
	parsed, err := pyjson.Decode(string(body))
	if err != nil {
		return errNotJSON
	}
	object, ok := parsed.(*pyjson.Object)
	if !ok {
		return &shapeError{pyjson.TypeName(parsed)}
	}
	switch v := v.(type) {
	case *vault.Response:
		if data, ok := object.Get("data"); ok {
			v.Data = json.RawMessage(pyjson.Encode(data))
		}
		return nil
	case *vault.KVData:
		if data, ok := object.Get("data"); ok {
			v.Data = json.RawMessage(pyjson.Encode(data))
		}
		if metadata, ok := object.Get("metadata"); ok {
			_ = json.Unmarshal([]byte(pyjson.Encode(metadata)), &v.Metadata)
		}
		return nil
	}
	return errNotJSON
}

func (s *Store) unversioned(op, name string) error {
	return s.fail(op, name, &store.Error{Code: store.Unsupported, Err: errors.New("KV version 1 keeps no versions"),
		Hint: "enable versions with `vault kv enable-versioning MOUNT`, then set kv_engine_version to 2"})
}
