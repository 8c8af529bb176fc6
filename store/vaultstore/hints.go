package vaultstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
)

// hint says what to do about an answer, as far as it tells.
func (s *Store) hint(e *ResponseError) string {
	if e.login {
		return s.loginHint(e)
	}
	switch e.Status {
	case http.StatusNotFound:
		return s.missingHint(e)
	case http.StatusBadRequest:
		switch {
		case e.says(vault.InvalidVersionedPath):
			return fmt.Sprintf("the mount is KV version 2, but this client speaks version %d: set kv_engine_version to 2", s.version)
		case e.says("check-and-set parameter required"):
			return "the mount or the secret demands check-and-set: write on condition of the version"
		case e.says("upgrading from non-versioned"):
			return "the mount is being made version 2: ask again in a moment"
		case e.unprintable():
			return "the server takes no name with a character that cannot be printed, such as a line break: take it out"
		case e.says("missing client token"):
			return "no token reached the server: where it redirects to another host, put that host in url"
		}
	case http.StatusForbidden:
		if hint := s.addressHint(); hint != "" {
			return hint
		}
		if s.auth.Name() == "token" {
			return "the token may be wrong or expired, or its policies do not let it do that: try `vault token lookup`"
		}
		return "the policies of the " + s.auth.Name() + " role do not let it do that: in KV version 2 they must name MOUNT/data/PATH, to list MOUNT/metadata/PATH"
	case http.StatusTooManyRequests:
		return "the server limits how often it may be asked: ask less often, or raise the quota"
	case http.StatusNotImplemented:
		return "the server is not initialized: run `vault operator init`"
	case http.StatusServiceUnavailable:
		if e.says("sealed") {
			return "the server is sealed: run `vault operator unseal`"
		}
	}
	return ""
}

func (s *Store) missingHint(e *ResponseError) string {
	switch {
	case e.deleted != nil && e.deleted.Destroyed:
		return "what is destroyed cannot be brought back: write the secret again"
	case e.deleted != nil:
		return "`vault kv undelete` brings a deleted version back"
	case e.says(vault.InvalidVersionedPath):
		return fmt.Sprintf("the mount is KV version 2, but this client speaks version %d: set kv_engine_version to 2", s.version)
	case e.says("namespace not found"):
		return fmt.Sprintf("there is no namespace %q: correct namespace (`bao namespace list`)", s.namespace)
	case e.says("no handler for route"):
		return s.unmountedHint()
	case s.version == 2 && len(e.Errors)+len(e.Warnings) == 0 && e.Errors != nil && s.mount != "":
		// A version 1 engine answers the same for the path that it does not have.
		return fmt.Sprintf("if the mount %q is KV version 1, set kv_engine_version to 1", s.mount)
	case e.Errors == nil && e.Warnings == nil:
		return "this 404 is not an answer of Vault's: see what answers at " + strings.TrimPrefix(s.name, "vault ") + ", and url, VAULT_ADDR and the proxy settings"
	}
	return ""
}

func (s *Store) unmountedHint() string {
	if hint := s.addressHint(); hint != "" {
		return hint
	}
	if s.mount == "" {
		return "nothing is mounted there: with mount_point null, names begin with the mount"
	}
	where := ""
	if s.namespace != "" {
		where = fmt.Sprintf(" in the namespace %q", s.namespace)
	}
	hint := fmt.Sprintf("nothing is mounted at %q%s: set mount_point to the engine's mount (`vault secrets list`)", s.mount, where)
	if where != "" {
		return hint + ", or correct namespace"
	}
	return hint + ", or namespace to where it is"
}

// addressHint is about an address to which hvac adds "/v1" once more.
func (s *Store) addressHint() string {
	if strings.HasSuffix(strings.TrimRight(s.address, "/"), "/v1") {
		return `url ends in "/v1", which is added to it: leave it out`
	}
	return ""
}

// reachHint says what to do about a request that got no answer.
func (s *Store) reachHint(err error) string {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return "the server's certificate is not trusted: give the kwarg verify the path of its CA"
	case errors.Is(err, context.Canceled):
		return ""
	}
	return "is the server up, and can it be reached from here? see url, VAULT_ADDR and the proxy settings"
}
