package gcpstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// dialer opens connections, through a proxy where one is set.
type dialer struct {
	proxy func(*url.URL) (*url.URL, error)
}

// dial opens a connection to address, HOST:PORT.
func (d dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	if d.proxy == nil {
		return dialDirect(ctx, "tcp", address)
	}
	proxy, err := d.proxy(&url.URL{Scheme: "https", Host: address})
	if err != nil {
		return nil, errors.New("the proxy's address is not a URL") // the cause would quote user info
	}
	if proxy == nil {
		return dialDirect(ctx, "tcp", address)
	}
	if proxy.Scheme != "http" {
		return nil, errors.New("the proxy is not of the form http://HOST:PORT")
	}
	return dialThrough(ctx, proxy, address)
}

// dialDirect takes any name below localhost for loopback, as gRPC's resolver
// does (RFC 6761, section 6.3).
func dialDirect(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	host, port, err := net.SplitHostPort(address)
	if err != nil || !strings.HasSuffix(strings.TrimSuffix(host, "."), ".localhost") {
		return d.DialContext(ctx, network, address)
	}
	return d.DialContext(ctx, network, net.JoinHostPort("localhost", port))
}

// dialThrough asks a proxy for a tunnel (RFC 9110, section 9.3.6).
func dialThrough(ctx context.Context, proxy *url.URL, address string) (net.Conn, error) {
	at := proxy.Host
	if proxy.Port() == "" {
		at = net.JoinHostPort(proxy.Hostname(), "80")
	}
	conn, err := dialDirect(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("the proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		(&http.Request{Header: req.Header}).SetBasicAuth(user.Username(), password)
		req.Header.Set("Proxy-Authorization", req.Header.Get("Authorization"))
		req.Header.Del("Authorization")
	}
	if err := req.Write(conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the proxy: %w", err)
	}
	r := bufio.NewReaderSize(conn, 4096)
	res, err := http.ReadResponse(r, req)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the proxy: %w", err)
	}
	if res.StatusCode != http.StatusOK || r.Buffered() > 0 {
		_ = conn.Close()
		return nil, fmt.Errorf("the proxy answers %d", res.StatusCode)
	}
	return conn, nil
}
