package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

func TestConnectionsAt(t *testing.T) {
	for _, c := range []struct {
		files          uint64
		plain, backend int
	}{
		{0, 1, 1}, {16, 4, 4}, {64, 16, 16}, {65, 16, 16}, {80, 20, 20}, {128, 64, 32}, {256, 192, 96}, {1024, 960, 480},
		{1 << 20, 1 << 14, 1 << 14}, {1<<64 - 1, 1 << 14, 1 << 14},
	} {
		if plain, backend := connectionsAt(c.files, false), connectionsAt(c.files, true); plain != c.plain || backend != c.backend {
			t.Errorf("at %d files: %d and %d, want %d and %d", c.files, plain, backend, c.plain, c.backend)
		}
	}
}

// TestConnectionsAreBounded has more peers than connections, all of which get
// their answers in the end, and no more at a time than are allowed.
func TestConnectionsAreBounded(t *testing.T) {
	const most = 4
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limited(plain, most)
	inside, open := make(chan struct{}, 100), make(chan struct{})
	s := &http.Server{ConnState: l.state, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		inside <- struct{}{}
		<-open
	})}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	const peers = 20
	answers := make(chan error, peers)
	for range peers {
		conn, err := net.Dial("tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer conn.Close()
			_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if err == nil {
				_, err = http.ReadResponse(bufio.NewReader(conn), nil)
			}
			answers <- err
		}()
	}
	for range most - 1 { // the last place is that of the one that waits for room
		<-inside
	}
	l.mu.Lock()
	if n := len(l.open); n != most-1 || len(inside) != 0 {
		t.Errorf("%d connections are open, %d more requests are served, want %d and none", n, len(inside), most-1)
	}
	l.mu.Unlock()
	close(open)
	for range peers {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-ended
}
