package servertest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
)

// NoNames has the resolver of this process answer until the test ends that no
// name exists, and returns how often it has been asked. Tests that use it do
// not run beside others.
func NoNames(t testing.TB) (asked func() int64) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		packet := make([]byte, 1500)
		for {
			n, peer, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			count.Add(1)
			if n >= 12 { // RFC 1035, section 4.1.1: an answer of code 3, which has the question and nothing else
				packet[2], packet[3], packet[11] = 0x81, 0x83, 0
				_, _ = server.WriteTo(packet[:questionEnd(packet[:n])], peer)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = server.Close()
		<-done
	})
	return count.Load
}

// questionEnd is where the one question of a query ends.
func questionEnd(packet []byte) int {
	at := 12
	for at < len(packet) && packet[at] != 0 {
		at += 1 + int(packet[at])
	}
	return min(at+5, len(packet))
}
