package control

import (
	"errors"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// The bounds on what travels. A request holds one secret of at most 1 MiB,
// which base64 makes a third longer; an answer may list every name.
const (
	maxRequest = 4 << 20
	maxAnswer  = 256 << 20
)

// The operations.
const (
	opHello         = "hello"
	opGet           = "get"
	opList          = "list"
	opPut           = "put"
	opDelete        = "delete"
	opGetVersion    = "get-version"
	opRecord        = "record"
	opHide          = "hide"
	opRestore       = "restore"
	opDestroy       = "destroy"
	opSetAttributes = "set-attributes"
	opCheck         = "check"
	opLocate        = "locate"
	opSuspend       = "suspend"
)

// operations are those of stores.
var operations = []string{opGet, opList, opPut, opDelete, opGetVersion, opRecord, opHide, opRestore, opDestroy, opSetAttributes, opCheck, opLocate}

// request is what a command asks. Which members count depends on the
// operation.
type request struct {
	Namespace  string            `json:"namespace,omitempty"`
	Name       []byte            `json:"name,omitempty"` // or the prefix of a list
	Secret     *secret           `json:"secret,omitempty"`
	IfVersion  *int64            `json:"if_version,omitempty"`
	Version    int64             `json:"version,omitempty"`
	Versions   []int64           `json:"versions,omitempty"`
	Protocol   string            `json:"protocol,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// answer is what the daemon says. Error is set instead of everything else.
type answer struct {
	Error    *failure          `json:"error,omitempty"`
	Secret   *secret           `json:"secret,omitempty"`
	Names    [][]byte          `json:"names,omitempty"`
	Record   *store.Record     `json:"record,omitempty"`
	Location []byte            `json:"location,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"` // :: namespace -> what its store is called
	Folder   string            `json:"folder,omitempty"` // which one the daemon serves, as identityOf has it
}

// secret is a store.Secret, which does not let itself be encoded.
type secret struct {
	Payload    []byte                       `json:"payload"`
	Form       store.Form                   `json:"form"`
	Version    int64                        `json:"version,omitempty"`
	VersionID  string                       `json:"version_id,omitempty"`
	Time       time.Time                    `json:"time,omitzero"`
	Attributes map[string]map[string]string `json:"attributes,omitempty"`
	Stale      time.Time                    `json:"stale,omitzero"`
}

func fromSecret(s *store.Secret) *secret {
	if s == nil {
		return nil
	}
	return &secret{s.Payload, s.Form, s.Version, s.VersionID, s.Time, s.Attributes, s.Stale}
}

func (s *secret) secret() *store.Secret {
	if s == nil {
		return nil
	}
	return &store.Secret{
		Payload: s.Payload, Form: s.Form, Version: s.Version, VersionID: s.VersionID, Time: s.Time, Attributes: s.Attributes, Stale: s.Stale,
	}
}

// failure is a store.Error.
type failure struct {
	Op    string     `json:"op,omitempty"`
	Store string     `json:"store,omitempty"`
	Name  []byte     `json:"name,omitempty"`
	Code  store.Code `json:"code"`
	Hint  string     `json:"hint,omitempty"`
	Cause string     `json:"cause,omitempty"`
	// Absent is store.Error's.
	Absent bool `json:"absent,omitempty"`
}

func fromError(err error) *failure {
	var e *store.Error
	if !errors.As(err, &e) {
		return &failure{Code: store.CodeOf(err), Cause: err.Error()}
	}
	f := &failure{Op: e.Op, Store: e.Store, Name: []byte(e.Name), Code: e.Code, Hint: e.Hint, Absent: e.Absent}
	if e.Err != nil {
		f.Cause = e.Err.Error()
	}
	return f
}

func (f *failure) error() error {
	e := &store.Error{Op: f.Op, Store: f.Store, Name: string(f.Name), Code: f.Code, Hint: f.Hint, Absent: f.Absent}
	if f.Cause != "" {
		e.Err = errors.New(f.Cause)
	}
	return e
}
