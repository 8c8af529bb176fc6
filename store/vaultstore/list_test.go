package vaultstore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

func TestListBelowFolders(t *testing.T) {
	server := baotest.Start(t)
	var all []string
	for i := range 30 {
		name := fmt.Sprintf("variables/team%d/key%d", i%3, i)
		all = append(all, name)
		server.MustDo(t, "POST", "/v1/secret/data/"+name, map[string]any{"data": map[string]int{"value": i}})
	}
	server.MustDo(t, "DELETE", "/v1/secret/data/"+all[0], nil)
	slices.Sort(all)
	s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Token{Token: server.Token}})
	list := func(s *vaultstore.Store, prefix string) []string {
		t.Helper()
		names, err := s.List(t.Context(), prefix)
		if err != nil {
			t.Fatalf("List(%q) = %v", prefix, err)
		}
		return names
	}
	readable := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == "variables/team0/key0" })
	if got := list(s, "var"); !slices.Equal(got, readable) {
		t.Errorf("List(var) = %q", got)
	}
	if got := list(s, "variables/team1/key1"); !slices.Equal(got, []string{"variables/team1/key1", "variables/team1/key10", "variables/team1/key13", "variables/team1/key16", "variables/team1/key19"}) {
		t.Errorf("List(variables/team1/key1) = %q", got)
	}
	if got := list(s, "nothing/here"); got != nil {
		t.Errorf("List(nothing/here) = %q", got)
	}
	t.Run("by GET", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", StrictHTTP: true, Auth: vaultstore.Token{Token: server.Token}})
		if got := list(s, ""); !slices.Equal(got, readable) {
			t.Errorf("List() = %q", got)
		}
	})
	t.Run("without leave to read metadata", func(t *testing.T) {
		roleID, secretID := server.AppRole(t, "lister", `path "secret/metadata/*" { capabilities = ["list"] }`)
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, SecretID: secretID}})
		if got := list(s, "variables/"); !slices.Equal(got, all) {
			t.Errorf("List = %q", got)
		}
	})
	t.Run("without leave to list", func(t *testing.T) {
		roleID, secretID := server.AppRole(t, "reader", readPolicy)
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, SecretID: secretID}})
		_, err := s.List(t.Context(), "variables/")
		wantError(t, "List", err, store.Denied, "MOUNT/metadata/PATH")
	})
	t.Run("of a mount that is not there", func(t *testing.T) {
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: "nope", Auth: vaultstore.Token{Token: server.Token}})
		_, err := s.List(t.Context(), "")
		wantError(t, "List", err, store.NotFound, "nothing is mounted")
	})
}

// A server whose check of printable paths was off once lists names that it
// takes no request for afterwards.
func TestListOfUnprintableNames(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.ContainsFunc(r.URL.Path, func(c rune) bool { return !unicode.IsPrint(c) }):
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == "LIST":
			fmt.Fprint(w, `{"data": {"keys": ["a\nb", "folder\n/", "plain"]}}`)
		default:
			fmt.Fprint(w, `{"data": {"current_version": 1, "versions": {"1": {}}}}`)
		}
	}))
	t.Cleanup(server.Close)
	s := open(t, vaultstore.Options{URL: server.URL, Mount: "secret", Auth: vaultstore.Token{Token: "t"}})
	names, err := s.List(t.Context(), "")
	if err != nil || !slices.Equal(names, []string{"a\nb", "plain"}) {
		t.Errorf("List = %q, %v", names, err)
	}
	_, err = s.Get(t.Context(), "a\nb")
	wantError(t, "Get", err, store.Invalid, "cannot be printed")
}
