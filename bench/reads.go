package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// reader is a server that the load generator reads one secret from.
type reader struct {
	name, addr, token string
	rates             []float64
}

// reads compares reads per second through airlock's Vault facade with a bare
// net/http handler that answers as many bytes and does nothing else, and with
// OpenBao itself. All are processes of their own and share the machine with
// the load generator.
func (b *bench) reads(ctx context.Context) error {
	front, frontToken, err := b.airlockServer(ctx, "front", b.settings(), "--cache-ttl=5m")
	if err != nil {
		return err
	}
	defer front.stop()
	own, ownToken, err := b.airlockServer(ctx, "own", nil)
	if err != nil {
		return err
	}
	defer own.stop()
	path := "/v1/secret/data/variables/" + key
	if _, err := own.post(ctx, path, ownToken, map[string]any{"data": map[string]any{"value": value}}); err != nil {
		return err
	}
	size, err := bodySize(ctx, front.addr+path, frontToken)
	if err != nil {
		return err
	}
	bare, err := b.startBare(ctx, size)
	if err != nil {
		return err
	}
	defer bare.stop()

	readers := []*reader{
		{name: "bare net/http handler", addr: bare.addr, token: "none"},
		{name: "airlock, value in OpenBao, cached", addr: front.addr, token: frontToken},
		{name: "airlock, value in its own store", addr: own.addr, token: ownToken},
		{name: "OpenBao", addr: b.bao.addr, token: rootToken},
	}
	const turns = 3
	for range turns {
		for _, r := range readers {
			rate, err := load(ctx, r.addr, path, r.token, b.conns, b.load)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			r.rates = append(r.rates, rate)
		}
	}
	t := table{title: fmt.Sprintf("Reads of one variable per second over HTTP, %d connections, body of %d bytes, median of %d turns of %s", b.conns, size, turns, b.load),
		head: []string{"server", "reads per second", "share of the bare handler"}}
	itself := func(f float64) float64 { return f }
	most := middle(readers[0].rates, itself)
	for _, r := range readers {
		rate := middle(r.rates, itself)
		t.add(r.name, fmt.Sprintf("%.0f", rate), fmt.Sprintf("%.2f", rate/most))
	}
	t.note("")
	t.note("airlock checks the token and the policy and writes an audit line for each read; the bare handler does none of it.")
	return t.print()
}

// bodySize asks once, which also fills the cache, and returns the size of the
// answer.
func bodySize(ctx context.Context, url, token string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Vault-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return 0, err
	}
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), value) {
		return 0, fmt.Errorf("reading the variable: %s", res.Status)
	}
	return len(body), nil
}

// startBare runs this program as the bare handler.
func (b *bench) startBare(ctx context.Context, size int) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return startServer(ctx, command{path: self, dir: b.dir, env: []string{"BENCH_LISTEN=" + addr}, args: []string{"-bare", strconv.Itoa(size)}}, addr, "/")
}

// serveBare answers every request with the same body.
func serveBare(ctx context.Context, size int) error {
	body := []byte(strings.Repeat("x", size))
	s := &http.Server{
		Addr:              os.Getenv("BENCH_LISTEN"),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}),
	}
	return s.ListenAndServe()
}
