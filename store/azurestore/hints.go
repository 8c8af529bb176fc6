package azurestore

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
)

func isCertificate(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// isBroken reports whether a connection ended in the middle.
func isBroken(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// hint says what to do about a refusal of the vault.
func (s *Store) hint(e *ResponseError) string {
	switch {
	case e.Inner == "SecretDisabled":
		return "the secret's latest version is disabled: enable it, or make a new one"
	case e.Inner == "ObjectIsDeletedButRecoverable":
		return "a deleted secret still holds the name: `az keyvault secret recover` brings it back, `az keyvault secret purge` frees the name"
	case e.Inner == "ForbiddenByFirewall":
		return "the vault's firewall does not let this address in"
	}
	switch e.Status {
	case http.StatusNotFound:
		if !e.absent() {
			return "this 404 does not say that the secret is missing: see vault_url and the proxy settings"
		}
	case http.StatusUnauthorized:
		return "the vault does not take the token: check tenant_id, and that vault_url is a vault of that tenant"
	case http.StatusForbidden:
		return "the identity may not do this: it needs the role \"Key Vault Secrets User\" on the vault, or an access policy with secrets Get (List to list, Set to write)"
	case http.StatusTooManyRequests:
		return "the vault limits how often it may be asked: ask less often"
	case http.StatusBadRequest:
		return "the vault does not understand the request: check api_version"
	}
	if e.Status >= 300 && e.Status < 400 {
		return "the address redirects: put the vault's own address in vault_url"
	}
	return ""
}

// loginHint says what to do about a refusal of the login service.
func loginHint(e *ResponseError) string {
	switch {
	case e.Code == "invalid_client" && strings.Contains(e.Message, "7000222"):
		return "the client secret has expired: make a new one in the app registration"
	case e.Code == "invalid_client":
		return "client_secret is wrong: it is the secret's value, not its id (App registration, Certificates and secrets)"
	case e.Code == "unauthorized_client":
		return "the tenant has no application of this client_id"
	case e.Status == http.StatusNotFound, e.Code == "invalid_request", e.Code == "invalid_tenant":
		return "check tenant_id and AZURE_AUTHORITY_HOST"
	}
	return "check tenant_id, client_id and client_secret"
}

// reachHint says what to do about a request that got no answer.
func (s *Store) reachHint(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case isCertificate(err):
		return "the server's certificate is not trusted: name its CA in the kwarg connection_verify or in REQUESTS_CA_BUNDLE"
	}
	return "is vault_url right, and can it be reached from here? see the proxy settings"
}
