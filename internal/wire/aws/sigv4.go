// Package aws holds the wire shapes of AWS that drivers, facades and their
// tests share: signatures, version 4, and the failures of the JSON protocol.
package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Algorithm is the only one that Verify knows.
const Algorithm = "AWS4-HMAC-SHA256"

// Skew is how far the time of a signature may be from the server's.
const Skew = 5 * time.Minute

const timeFormat = "20060102T150405Z"

// Failure is why a signature is refused, as AWS names it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
type Failure struct {
	Code, Message string
}

// Error gives both; neither holds any part of the signature.
func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// Scope is what a signature is for.
type Scope struct {
	AccessKeyID, Date, Region, Service string
}

func (s Scope) String() string { return s.Date + "/" + s.Region + "/" + s.Service + "/aws4_request" }

// authorization is the header taken apart.
type authorization struct {
	scope     Scope
	headers   []string
	signature []byte
}

// Verify checks the signature of a request whose body has been read. secretOf
// returns the secret access key of an access key id. The error is a *Failure.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func Verify(r *http.Request, body []byte, secretOf func(accessKeyID string) (secret string, ok bool), now time.Time) (Scope, error) {
	a, err := parse(r.Header.Get("Authorization"))
	if err != nil {
		return Scope{}, err
	}
	signed, err := time.Parse(timeFormat, r.Header.Get("X-Amz-Date"))
	if err != nil || !strings.HasPrefix(r.Header.Get("X-Amz-Date"), a.scope.Date) {
		return a.scope, &Failure{"IncompleteSignature", "Date must be in ISO-8601 'basic format' and agree with the credential scope"}
	}
	secret, known := secretOf(a.scope.AccessKeyID)
	if !known {
		return a.scope, &Failure{"UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	switch off := now.Sub(signed); {
	case off > Skew:
		return a.scope, &Failure{"InvalidSignatureException", fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			signed.Format(timeFormat), now.UTC().Add(-Skew).Format(timeFormat), now.UTC().Format(timeFormat))}
	case off < -Skew:
		return a.scope, &Failure{"InvalidSignatureException", fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			signed.Format(timeFormat), now.UTC().Add(Skew).Format(timeFormat), now.UTC().Format(timeFormat))}
	}
	want := sign(secret, a.scope, r.Header.Get("X-Amz-Date"), canonical(r, body, a.headers))
	if subtle.ConstantTimeCompare(want, a.signature) != 1 {
		return a.scope, &Failure{"InvalidSignatureException",
			"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."}
	}
	return a.scope, nil
}

// parse reads the header Authorization.
func parse(header string) (*authorization, error) {
	rest, ok := strings.CutPrefix(header, Algorithm+" ")
	if !ok {
		return nil, &Failure{"MissingAuthenticationToken", "Missing Authentication Token"}
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			parts[name] = value
		}
	}
	credential := strings.Split(parts["Credential"], "/")
	signature, err := hex.DecodeString(parts["Signature"])
	if len(credential) != 5 || credential[4] != "aws4_request" || err != nil || len(signature) != sha256.Size || parts["SignedHeaders"] == "" {
		return nil, &Failure{"IncompleteSignature", "Authorization header requires Credential, SignedHeaders and Signature parameters"}
	}
	a := &authorization{scope: Scope{credential[0], credential[1], credential[2], credential[3]}, signature: signature}
	a.headers = strings.Split(parts["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-amz-date"} {
		if !slices.Contains(a.headers, must) {
			return nil, &Failure{"IncompleteSignature", "the header " + must + " must be signed"}
		}
	}
	return a, nil
}

// canonical is the canonical request.
func canonical(r *http.Request, body []byte, headers []string) string {
	var b strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, path, canonicalQuery(r.URL.Query()))
	for _, name := range headers {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	hash := sha256.Sum256(body)
	fmt.Fprintf(&b, "\n%s\n%x", strings.Join(headers, ";"), hash)
	return b.String()
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// sign returns the signature of a canonical request.
func sign(secret string, scope Scope, date, request string) []byte {
	hash := sha256.Sum256([]byte(request))
	key := []byte("AWS4" + secret)
	for _, part := range []string{scope.Date, scope.Region, scope.Service, "aws4_request"} {
		key = mac(key, part)
	}
	return mac(key, Algorithm+"\n"+date+"\n"+scope.String()+"\n"+hex.EncodeToString(hash[:]))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
