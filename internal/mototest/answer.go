package mototest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Answer runs a server that gives every request one answer, in the place of a
// service, and returns its address.
func Answer(t testing.TB, status int, contentType, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Refuse is Answer of a refusal in the form of the AWS services.
func Refuse(t testing.TB, status int, code string) string {
	t.Helper()
	return Answer(t, status, "application/x-amz-json-1.1", `{"__type": "`+code+`", "message": "no"}`)
}
