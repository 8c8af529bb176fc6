package hostname_test

import (
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/hostname"
)

func TestAnswers(t *testing.T) {
	named := hostname.Set{"airlock.example.com", "Other.Example.com."}
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1:8477", "10.1.2.3:80", "[::1]:8477", "[::1]", "::1", "[fe80::1%eth0]:8477", "192.0.2.1",
		"localhost", "localhost:8477", "LOCALHOST.", "airlock", "airlock:8477", "my_service:1",
		"a.localhost", "host.docker.internal:8477", "x.Internal", "airlock.ns.svc", "airlock.ns.svc.cluster.local:80", "airlock.ns.svc.cluster.local.",
		"airlock.example.com", "AIRLOCK.example.com:443", "airlock.example.com.", "other.example.com",
	} {
		if !named.Answers(host) {
			t.Errorf("%q is not answered", host)
		}
	}
	for _, host := range []string{
		"", ":80", "evil.example", "evil.example:8477", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io", "evil.local",
		"airlock.example.com.evil.example", "x.airlock.example.com", "internal.evil.example", "evilinternal.com", ".internal", "..internal",
		"a..svc", "evil.example/.internal", "evil.example#.internal", "evil.example@a.internal", "evil.example .internal", "evil.example\x00.internal",
		"127.1", "0x7f.0.0.1", "[evil.example]:80", "svc.cluster.local.example", "éa.internal", strings.Repeat("a.", 200) + "internal",
	} {
		if named.Answers(host) {
			t.Errorf("%q is answered", host)
		}
	}
}

func TestValid(t *testing.T) {
	for name, want := range map[string]bool{"airlock.example.com": true, "a": true, "a.": true, "": false, ".": false, "a:80": false, "http://a": false,
		"*.example.com": false, "a b": false, strings.Repeat("a", 64): false} {
		if got := hostname.Valid(name); got != want {
			t.Errorf("Valid(%q) = %v", name, got)
		}
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:8477": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:8477": false, ":8477": false, "[::]:1": false, "10.0.0.1:1": false, "example.com:1": false, "127.0.0.1": false, "": false} {
		if got := hostname.Loopback(address); got != want {
			t.Errorf("Loopback(%q) = %v", address, got)
		}
	}
}
