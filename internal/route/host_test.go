package route_test

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/airlock-secrets/airlock/internal/route"
)

func TestNoSuchHost(t *testing.T) {
	for _, c := range []struct {
		what string
		err  error
		want bool
	}{
		{"no such host", &net.DNSError{IsNotFound: true}, true},
		{"no such host, wrapped", fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}), true},
		{"the resolver cannot say now", &net.DNSError{IsTemporary: true}, false},
		{"the resolver does not answer", &net.DNSError{IsTimeout: true, IsTemporary: true}, false},
		{"a refused connection", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, false},
		{"no error", nil, false},
	} {
		if got := route.NoSuchHost(c.err); got != c.want {
			t.Errorf("%s: NoSuchHost = %v", c.what, got)
		}
	}
}
