package vaultstore

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// Calls implements store.Prober.
func (s *Store) Calls(ask store.Ask, names ...string) []store.Call {
	var calls []store.Call
	add := func(method, name, when string) {
		calls = append(calls, store.Call{Method: method, Name: name, When: when})
	}
	switch ask {
	case store.AskService:
		add("GET", "sys/health", "")
		login := s.loginPath()
		if login != "" {
			add("POST", login, "")
		}
		add("GET", "auth/token/lookup-self", "")
		for _, mount := range s.mountsOf(names) {
			add("GET", "sys/internal/ui/mounts/"+mount, "")
		}
		if len(names) > 0 {
			add("POST", "sys/capabilities-self", "")
			add("GET", "sys/internal/ui/mounts", "the token sees no engine there")
		}
		if login != "" {
			add("POST", login, "a read is refused, and the read once more")
		}
	case store.AskGet:
		for _, name := range names {
			add("GET", s.Locate(name), "")
		}
	case store.AskPeek:
		for _, prefix := range names {
			if mount, folder, ok := s.folder(prefix); ok {
				add(vault.MethodList, cleanPath(s.at(mount, "metadata", folder)), "")
			}
		}
	}
	return calls
}

// loginPath is where the method logs in; "" for one that sends no request.
func (s *Store) loginPath() string {
	login := func(mount, method string) string {
		if mount == "" {
			mount = method
		}
		return "auth/" + mount + "/login"
	}
	switch a := s.auth.(type) {
	case AppRole:
		return login(a.Mount, "approle")
	case AWSIAM:
		return login(a.Mount, "aws")
	case Azure:
		return "auth/" + strings.TrimSuffix(strings.TrimPrefix(login(a.Mount, "azure"), "auth/"), "/login") + "/config"
	case GCP:
		return login(a.Mount, "gcp")
	case GitHub:
		return login(a.Mount, "github")
	case JWT:
		return login(a.Mount, "jwt")
	case Kubernetes:
		return login(a.Mount, "kubernetes")
	case LDAP:
		return login(a.Mount, "ldap") + "/" + a.Username
	case RADIUS:
		return "auth/" + strings.TrimSuffix(strings.TrimPrefix(login(a.Mount, "radius"), "auth/"), "/login") + "/config"
	case Userpass:
		return login(a.Mount, "userpass") + "/" + a.Username
	}
	return ""
}

// mountsOf are the engines that names are in.
func (s *Store) mountsOf(names []string) []string {
	if s.mount != "" {
		return []string{cleanPath(s.mount)}
	}
	var mounts []string
	for _, name := range names {
		if mount, _, ok := s.split(name); ok && !slices.Contains(mounts, mount) {
			mounts = append(mounts, mount)
		}
	}
	return mounts
}

// folder is the folder of an engine that prefix names or is within.
func (s *Store) folder(prefix string) (mount, folder string, ok bool) {
	mount, within, ok := s.split(prefix)
	if !ok {
		return "", "", false
	}
	return mount, within[:strings.LastIndex(within, "/")+1], true
}
