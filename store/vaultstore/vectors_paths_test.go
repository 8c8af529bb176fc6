package vaultstore

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	"github.com/airlock-secrets/airlock/internal/vectors"
)

// pathsExpect is the expect of the family lookup_paths.
type pathsExpect struct {
	Result               json.RawMessage `json:"result"`
	Requests             []kvRequest     `json:"requests"`
	HTTP                 []sentRequest   `json:"http"`
	Warnings             []loggedWarning `json:"warnings_logged"`
	ConstructionError    *pythonError    `json:"construction_error"`
	ConstructionWarnings []struct {
		Category string `json:"category"`
		Message  string `json:"message"`
	} `json:"construction_warnings"`
	Error *pythonError `json:"error"`
}

// kvRequest is what hvac's KV reader is given.
type kvRequest struct {
	KV    int    `json:"kv"`
	Mount string `json:"mount_point"`
	Path  string `json:"path"`
}

type loggedWarning struct{ Level, Logger, Message string }

func TestVectorsLookupPathsVault(t *testing.T) {
	vectors.Run(t, vectors.LookupPaths, otherBackend, func(t *testing.T, c vectors.Case) {
		var in vectorInput
		var want pathsExpect
		strict(t, c.Input, &in)
		strict(t, c.Expect, &want)
		missing := []vectorAnswer{{Status: http.StatusNotFound, Body: json.RawMessage(`{"errors": []}`)}}
		s := start(t, in, missing)
		checkConstruction(t, s, &want)
		if s.constructionErr != nil || want.ConstructionError != nil {
			return
		}
		value, names, err := s.lookup(t.Context())
		if want.Error != nil {
			wantPython(t, "the error", s.ref.Kind, err, want.Error)
		} else if err != nil {
			t.Errorf("the look-up fails: %v", err)
		} else {
			wantJSON(t, "the result", value, want.Result)
		}
		if want.Error == nil {
			checkRequests(t, s, names, want.Requests)
		}
		if len(s.server.sent)+len(want.HTTP) > 0 && !reflect.DeepEqual(s.server.sent, want.HTTP) {
			t.Errorf("sent\n%+v, want\n%+v", s.server.sent, want.HTTP)
		}
		var warnings []string
		for _, level := range s.log.levels {
			if level != "debug" {
				warnings = append(warnings, level)
			}
		}
		if len(warnings) != len(want.Warnings) {
			t.Errorf("warned %d times, want %d", len(warnings), len(want.Warnings))
		}
		for i := range min(len(warnings), len(want.Warnings)) {
			if warnings[i] != want.Warnings[i].Level {
				t.Errorf("warning %d is of level %s, want %s", i, warnings[i], want.Warnings[i].Level)
			}
		}
	})
}

func checkConstruction(t *testing.T, s *session, want *pathsExpect) {
	t.Helper()
	switch {
	case want.ConstructionError != nil:
		wantPython(t, "the error of construction", s.ref.Kind, s.constructionErr, want.ConstructionError)
	case s.constructionErr != nil:
		t.Errorf("construction fails: %v", s.constructionErr)
	}
	if len(s.constructionWarnings) != len(want.ConstructionWarnings) && want.ConstructionError == nil {
		t.Errorf("construction warns %q, want %v", s.constructionWarnings, want.ConstructionWarnings)
	}
	for i, w := range want.ConstructionWarnings {
		if i < len(s.constructionWarnings) && s.constructionWarnings[i] != w.Message {
			t.Errorf("construction warns %q, want %q", s.constructionWarnings[i], w.Message)
		}
	}
}

// checkRequests compares mount and path as the KV reader is given them: those
// of the names that led to a request.
func checkRequests(t *testing.T, s *session, names []string, want []kvRequest) {
	t.Helper()
	var got []kvRequest
	for _, name := range names {
		if mount, path, ok := s.store.split(name); ok {
			got = append(got, kvRequest{s.store.version, mount, path})
		}
	}
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("asked for %+v, want %+v", got, want)
	}
}
