package gcpstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"golang.org/x/net/http/httpproxy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// maxAnswer bounds an answer. A version holds 64 KiB at most; a page of a list
// is longer.
const maxAnswer = 4 << 20

// The waits between attempts at a read: google-api-core draws each between 0
// and a limit that doubles.
const (
	firstWait   = 2 * time.Second
	longestWait = 60 * time.Second
)

// connection is the way to the service, with what last went wrong on it: gRPC
// itself tells no more than a text.
type connection struct {
	grpc      *grpc.ClientConn
	client    secretmanagerpb.SecretManagerServiceClient
	handshake atomic.Pointer[error]
}

func (c *connection) close() error { return c.grpc.Close() }

// call is one method of the service with its request bound.
type call func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) error

// read does a call that may be repeated: while the service is unavailable or
// limits its callers, until the time is up (the default_retry of
// AccessSecretVersion in Google's client).
func (s *Store) read(ctx context.Context, resource string, f call) error {
	deadline := s.now().Add(s.options.Timeout)
	limit := firstWait
	for {
		err := s.once(ctx, resource, deadline, f)
		if err == nil || !retryable(err) {
			return err
		}
		wait := s.jitter(limit)
		if s.now().Add(wait).After(deadline) {
			return err
		}
		s.log.DebugContext(ctx, "the service asks for patience", "store", s.Name(), "resource", excerpt.Name(resource), "wait", wait)
		if err := s.sleep(ctx, wait); err != nil {
			return err
		}
		limit = min(2*limit, longestWait)
	}
}

// write does a call that is not repeated.
func (s *Store) write(ctx context.Context, resource string, f call) error {
	return s.once(ctx, resource, s.now().Add(s.options.Timeout), f)
}

// once does a call a single time.
func (s *Store) once(ctx context.Context, resource string, deadline time.Time, f call) error {
	ctx, cancel := context.WithTimeout(ctx, max(deadline.Sub(s.now()), time.Millisecond))
	defer cancel()
	conn, err := s.connect()
	if err != nil {
		return err
	}
	token, err := s.accessToken(ctx)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return &timeoutError{s.options.Timeout, "for an access token"}
		}
		return err
	}
	s.options.Env.Secrets.Credential(token)
	headers := []string{"x-goog-request-params", routing(resource)}
	if quota := s.credentials.quotaProject; quota != "" {
		headers = append(headers, "x-goog-user-project", quota)
	}
	err = f(metadata.AppendToOutgoingContext(ctx, headers...), conn.client, grpc.PerRPCCredentials(bearer(token)))
	if err == nil {
		return nil
	}
	return s.callError(ctx, conn, err, token)
}

// routing is the header by which Google finds the region of a resource; lists
// and new secrets are routed by their parent, all else by name.
func routing(resource string) string {
	parameter := "name"
	if !strings.Contains(resource, "/secrets/") {
		parameter = "parent"
	}
	return parameter + "=" + url.QueryEscape(resource)
}

// bearer is an access token that only goes out over TLS.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (bearer) RequireTransportSecurity() bool { return true }

// connect makes the connection at the first call; gRPC dials later, and again
// where need be.
func (s *Store) connect() (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.done.Err() != nil:
		return nil, errors.New("the store is closed")
	case s.conn != nil:
		return s.conn, nil
	}
	config, err := s.tlsConfig()
	if err != nil {
		return nil, err
	}
	c := &connection{}
	dial := dialer{proxy: grpcProxy(s.options.Env)}
	c.grpc, err = grpc.NewClient("passthrough:///"+target(s.universe),
		grpc.WithTransportCredentials(watchedTLS{credentials.NewTLS(config), &c.handshake}),
		grpc.WithContextDialer(c.watch(dial.dial)), grpc.WithNoProxy(), grpc.WithUserAgent("airlock"),
		grpc.WithDisableServiceConfig(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)))
	if err != nil {
		return nil, &store.Error{Code: store.Invalid, Err: errors.New("the universe domain is no address"), Hint: "correct GOOGLE_CLOUD_UNIVERSE_DOMAIN"}
	}
	c.client = secretmanagerpb.NewSecretManagerServiceClient(c.grpc)
	s.conn = c
	return c, nil
}

// watch keeps that the host's name does not exist, which gRPC would tell as a
// text only.
func (c *connection) watch(dial func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		if route.NoSuchHost(err) {
			c.handshake.Store(&err)
		}
		return conn, err
	}
}

// rootsVariable names the authorities that gRPC's core trusts.
const rootsVariable = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"

// largestCA bounds what is read of a file of authorities.
const largestCA = 4 << 20

// tlsConfig trusts the authorities of GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, as
// gRPC's core does, else the system's.
func (s *Store) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	file := s.options.Env.get(rootsVariable)
	if file == "" {
		return config, nil
	}
	pem, err := s.options.Env.Confined.Certificates().ReadFile(s.options.Env.path(file), largestCA)
	if err == nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("%s holds no certificate", excerpt.Name(file))
		}
	}
	if err != nil {
		return nil, &store.Error{Code: store.Invalid, Err: err, Hint: rootsVariable + " must name a file of PEM certificates"}
	}
	return config, nil
}

// watchedTLS keeps why the last handshake failed.
type watchedTLS struct {
	credentials.TransportCredentials
	last *atomic.Pointer[error]
}

// ClientHandshake implements credentials.TransportCredentials.
func (w watchedTLS) ClientHandshake(ctx context.Context, authority string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, c)
	if err != nil {
		w.last.Store(&err)
	} else {
		w.last.Store(nil)
	}
	return conn, info, err
}

// Clone implements credentials.TransportCredentials.
func (w watchedTLS) Clone() credentials.TransportCredentials {
	return watchedTLS{w.TransportCredentials.Clone(), w.last}
}

// grpcProxies are the variables that gRPC's core reads.
var grpcProxies = []string{"grpc_proxy", "https_proxy", "http_proxy"}

// grpcProxy is the proxy of gRPC's core, which knows these spellings only.
func grpcProxy(env Env) func(*url.URL) (*url.URL, error) {
	c := httpproxy.Config{HTTPSProxy: env.first(grpcProxies...), NoProxy: env.first("no_grpc_proxy", "no_proxy")}
	return c.ProxyFunc()
}

// retryable reports whether Google's client tries once more after err.
func retryable(err error) bool {
	var e *CallError
	return errors.As(err, &e) && !e.final && (e.Code == codes.ResourceExhausted || e.Code == codes.Unavailable)
}
