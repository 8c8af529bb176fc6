package gcpstore

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

// audience of the tokens that a service account signs for itself: the
// service's default host, whatever the universe (google.auth.transport.grpc.
// AuthMetadataPlugin).
const audience = "https://secretmanager.googleapis.com/"

// lifetime of such tokens.
const lifetime = time.Hour

// serviceAccount is google.oauth2.service_account.Credentials.
type serviceAccount struct {
	email, keyID, tokenURI, universe string
	key                              *rsa.PrivateKey
}

// Format keeps the key out of what is printed.
func (*serviceAccount) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "service account, redacted") }

// token signs a token for the service itself; no endpoint is asked. Google's
// clients always take this way (always_use_jwt_access). With scopes these
// stand in the place of the audience.
func (a *serviceAccount) token(_ context.Context, w *web, scopes []string) (access, error) {
	now := w.now()
	claims := claims{Issuer: a.email, Subject: a.email, Issued: now.Unix(), Expires: now.Add(lifetime).Unix(), Audience: audience}
	if scopes != nil {
		claims.Audience, claims.Scope = "", strings.Join(scopes, " ")
	}
	token, err := a.sign(claims)
	return access{token, now.Add(lifetime)}, err
}

// grant exchanges an assertion for a token with a scope.
func (a *serviceAccount) grant(ctx context.Context, w *web, scope string) (access, error) {
	now := w.now()
	assertion, err := a.sign(claims{Issuer: a.email, Issued: now.Unix(), Expires: now.Add(lifetime).Unix(),
		Audience: "https://oauth2.googleapis.com/token", Scope: scope})
	if err != nil {
		return access{}, err
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	return w.post(ctx, a.tokenURI, "asking the key's token_uri for one", form, nil)
}

type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub,omitempty"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Scope    string `json:"scope,omitempty"`
	Audience string `json:"aud,omitempty"`
}

// sign makes a JWT (RFC 7519) signed with RS256.
func (a *serviceAccount) sign(c claims) (string, error) {
	const what = "signing one with the service account's key"
	header, err := json.Marshal(map[string]string{"typ": "JWT", "alg": "RS256", "kid": a.keyID})
	if err != nil {
		return "", &tokenError{what: what, cause: err}
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", &tokenError{what: what, cause: err}
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", &tokenError{what: what, cause: errors.New("the key cannot sign")}
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// parseKey reads a private key in PEM form, PKCS #8 or PKCS #1. The error
// holds no part of it.
func parseKey(text string) (*rsa.PrivateKey, error) {
	const see = " See https://cryptography.io/en/latest/faq/#why-can-t-i-import-my-pem-file for more details."
	block, _ := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, python("ValueError", "Unable to load PEM file."+see+" MalformedFraming")
	case len(block.Bytes) > requests.LargestKey: // of whatever type it says it is
		return nil, python("ValueError", "Could not deserialize key data: private_key is longer than an RSA key of 16384 bits")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*rsa.PrivateKey); ok && err == nil {
		return key, nil
	}
	return nil, python("ValueError", "Could not deserialize key data: private_key is not an RSA key in PEM form")
}
