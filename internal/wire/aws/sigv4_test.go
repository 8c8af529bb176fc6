package aws_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/wire/aws"
)

// The get-vanilla request of AWS's own test suite for signatures.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const (
	suiteKey    = "AKIDEXAMPLE"
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	suiteHeader = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
)

func request(t *testing.T, header string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", header)
	return r
}

var suiteTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func secretOf(id string) (string, bool) { return suiteSecret, id == suiteKey }

func TestVerify(t *testing.T) {
	got, err := aws.Verify(request(t, suiteHeader), nil, secretOf, suiteTime)
	if want := (aws.Scope{AccessKeyID: suiteKey, Date: "20150830", Region: "us-east-1", Service: "service"}); err != nil || got != want {
		t.Errorf("Verify = %+v, %v, want %+v", got, err, want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(suiteHeader, old, new, 1))
		}
	}
	tests := []struct {
		what   string
		change func(*http.Request)
		body   string
		now    time.Time
		code   string
	}{
		{"another body", nil, "x", suiteTime, "InvalidSignatureException"},
		{"another path", func(r *http.Request) { r.URL.Path = "/x" }, "", suiteTime, "InvalidSignatureException"},
		{"another query", func(r *http.Request) { r.URL.RawQuery = "a=b" }, "", suiteTime, "InvalidSignatureException"},
		{"another method", func(r *http.Request) { r.Method = http.MethodPost }, "", suiteTime, "InvalidSignatureException"},
		{"another host", func(r *http.Request) { r.Host = "x" }, "", suiteTime, "InvalidSignatureException"},
		{"another region", replace("us-east-1", "us-east-2"), "", suiteTime, "InvalidSignatureException"},
		{"another signature", replace("5fa0", "5fa1"), "", suiteTime, "InvalidSignatureException"},
		{"an hour late", nil, "", suiteTime.Add(time.Hour), "InvalidSignatureException"},
		{"an hour early", nil, "", suiteTime.Add(-time.Hour), "InvalidSignatureException"},
		{"an unknown key", replace("AKIDEXAMPLE", "X"), "", suiteTime, "UnrecognizedClientException"},
		{"no header", func(r *http.Request) { r.Header.Del("Authorization") }, "", suiteTime, "MissingAuthenticationToken"},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "", suiteTime, "MissingAuthenticationToken"},
		{"no scope", replace("/20150830/us-east-1/service/aws4_request", ""), "", suiteTime, "IncompleteSignature"},
		{"a short signature", replace("5fa00fa3", ""), "", suiteTime, "IncompleteSignature"},
		{"a signature that is no hex", replace("5fa0", "zzzz"), "", suiteTime, "IncompleteSignature"},
		{"a host that is not signed", replace("host;", ""), "", suiteTime, "IncompleteSignature"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "", suiteTime, "IncompleteSignature"},
		{"a date of another day than the scope's", replace("20150830", "20150831"), "", suiteTime, "IncompleteSignature"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			r := request(t, suiteHeader)
			if tt.change != nil {
				tt.change(r)
			}
			_, err := aws.Verify(r, []byte(tt.body), secretOf, tt.now)
			var failure *aws.Failure
			if !errors.As(err, &failure) || failure.Code != tt.code {
				t.Errorf("Verify: %v, want %s", err, tt.code)
			}
		})
	}
}
