package mototest

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// IAM does one operation of IAM by a side door: form is its action and
// parameters, "CreateUser&UserName=x". It fails the test unless that works.
func (s *Server) IAM(t testing.TB, form string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("Version=2010-05-08&Action="+form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("IAM %s: status %d, %v: %s", form, res.StatusCode, err, b)
	}
}
