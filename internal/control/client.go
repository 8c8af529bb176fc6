package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/store"
)

// ErrNoDaemon says that no daemon serves a data folder.
var ErrNoDaemon = errors.New("no daemon serves the data folder")

// Client is a command's connection to the daemon of its data folder.
type Client struct {
	dir    string
	http   *http.Client
	labels map[string]string // :: namespace -> what its store is called
	folder string            // which data folder the daemon says that it serves
	limits limits
	pid    atomic.Int64 // the daemon's process; 0 while unknown
	closed atomic.Bool
}

// limits are how long a daemon may take: one that is stopped answers nothing,
// and its command must not wait for ever.
type limits struct{ hello, call time.Duration }

// Dial finds the daemon that serves the data folder dir. Where there is none,
// also where a dead one left its socket behind, the error wraps ErrNoDaemon.
// It is Invalid and an *UntrustedError where another user could answer
// instead, and Unavailable where the daemon does not answer within 3 seconds;
// later calls wait for 30.
func Dial(ctx context.Context, dir string) (*Client, error) {
	return dial(ctx, dir, limits{hello: 3 * time.Second, call: 30 * time.Second})
}

func dial(ctx context.Context, dir string, l limits) (*Client, error) {
	c := &Client{dir: dir, limits: l}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, c.fail("dial", "", err)
	}
	path, err := socketPath(abs)
	if absent(err) {
		return nil, c.fail("dial", "", ErrNoDaemon)
	}
	if err != nil {
		return nil, c.fail("dial", "", err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return c.connect(ctx, path) }
	c.http = &http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}
	a, err := c.do(ctx, opHello, &request{})
	if err != nil {
		if absent(err) {
			err = ErrNoDaemon
		}
		c.http.CloseIdleConnections()
		return nil, c.fail("dial", "", err)
	}
	c.labels, c.folder = a.Labels, a.Folder
	return c, nil
}

// connect opens the socket and makes sure of who listens there.
func (c *Client) connect(ctx context.Context, path string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	p, err := connected(path, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	c.pid.Store(int64(p.pid))
	return conn, nil
}

// Serves reports whether the daemon says that it serves the folder dir. It runs
// as the user who asks it, and so that user has opened the folder before. A
// note in a folder can lead to the daemon of another one.
func (c *Client) Serves(dir string) bool {
	own := identityOf(dir)
	return own != "" && own == c.folder
}

// Namespace returns the daemon's store of that namespace. Its Close leaves
// the client open.
func (c *Client) Namespace(name string) *Remote { return &Remote{client: c, namespace: name} }

// Close ends the connection. Calls after it fail with Unavailable.
func (c *Client) Close() error {
	if !c.closed.Swap(true) {
		c.http.CloseIdleConnections()
	}
	return nil
}

// fail makes a *store.Error of what is not one.
func (c *Client) fail(op, name string, err error) error {
	var e *store.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	code, hint := store.Unavailable, "see whether airlock serve still runs"
	var untrusted *UntrustedError
	var slow *slowError
	switch {
	case errors.Is(err, ErrNoDaemon):
		hint = "start one with airlock serve"
	case errors.As(err, &untrusted):
		code, hint = store.Invalid, "nothing was asked of it: remove it if it is not yours, or name another folder with --data-dir"
	case errors.As(err, &slow):
		hint = "it is stopped or stuck: continue it or restart it"
	}
	return &store.Error{Op: op, Store: "daemon of " + c.dir, Name: name, Code: code, Hint: hint, Err: err}
}

// do makes one call.
func (c *Client) do(ctx context.Context, op string, q *request) (*answer, error) {
	if c.closed.Load() {
		return nil, errors.New("the connection to the daemon is closed")
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, errors.New("the request cannot be encoded")
	}
	if len(body) > maxRequest {
		return nil, &store.Error{Op: op, Store: "daemon of " + c.dir, Name: string(q.Name), Code: store.Invalid,
			Err: fmt.Errorf("a request of more than %d bytes", maxRequest)}
	}
	limit := c.limits.call
	if op == opHello {
		limit = c.limits.hello
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b, err := c.post(limited, op, body)
	if err != nil {
		if ctx.Err() == nil && limited.Err() != nil {
			return nil, &slowError{pid: c.pid.Load(), limit: limit}
		}
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, errors.New("the daemon's answer is not understood: it may be of another version of airlock")
	}
	if a.Error != nil {
		return nil, a.Error.error()
	}
	return &a, nil
}

// slowError says that the daemon took longer than limit.
type slowError struct {
	pid   int64
	limit time.Duration
}

// Error names the process where it is known.
func (e *slowError) Error() string {
	if e.pid == 0 {
		return fmt.Sprintf("airlock serve does not answer within %s", e.limit)
	}
	return fmt.Sprintf("airlock serve (process %d) does not answer within %s", e.pid, e.limit)
}

// post sends one body and returns the one that comes back.
func (c *Client) post(ctx context.Context, op string, body []byte) ([]byte, error) {
	defer wait.For("the daemon of " + c.dir)()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://airlock/v1/"+op, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the daemon answers with status %d: it may be of another version of airlock", res.StatusCode)
	}
	return b, nil
}
