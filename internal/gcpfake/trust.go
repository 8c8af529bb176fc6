package gcpfake

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Audience is that of tokens which service accounts sign themselves, whatever
// the universe domain.
const Audience = "https://secretmanager.googleapis.com/"

// Trust says whose bearer tokens a server takes.
type Trust struct {
	// Tokens are access tokens as a token endpoint gives them.
	Tokens []string
	// Keys are the public keys of service accounts, by e-mail address: tokens
	// that they signed themselves are checked by signature, time, issuer and
	// audience or scope.
	Keys Keys
}

// Keys are public keys by the e-mail address of their account.
type Keys map[string]*rsa.PublicKey

// check takes or refuses the call's token.
func (t *Trust) check(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	var token string
	for _, header := range md.Get("authorization") {
		token, _ = strings.CutPrefix(header, "Bearer ")
	}
	refused := status.Error(codes.Unauthenticated, "Request had invalid authentication credentials. Expected OAuth 2 access token, "+
		"login cookie or other valid authentication credential.")
	for _, known := range t.Tokens {
		if subtle.ConstantTimeCompare([]byte(known), []byte(token)) == 1 {
			return nil
		}
	}
	if !t.signed(token) {
		return refused
	}
	return nil
}

// signed reports whether token is a JWT of a known account, for this service
// and for now. https://google.aip.dev/auth/4111
func (t *Trust) signed(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iss, Sub, Aud, Scope string
		Iat, Exp             int64
	}
	if !part(parts[0], &header) || !part(parts[1], &claims) || header.Alg != "RS256" {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	key := t.Keys[claims.Iss]
	if err != nil || key == nil {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	const skew, longest = 300, 3600
	now := time.Now().Unix()
	inTime := claims.Iat <= now+skew && claims.Exp > now-skew && claims.Exp-claims.Iat <= longest
	meant := claims.Aud == Audience ||
		claims.Aud == "" && slices.Contains(strings.Fields(claims.Scope), "https://www.googleapis.com/auth/cloud-platform")
	return inTime && meant && claims.Sub == claims.Iss
}

// part decodes one part of a JWT.
func part(text string, v any) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && json.Unmarshal(b, v) == nil
}
