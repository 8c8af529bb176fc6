package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"

	"github.com/airlock-secrets/airlock/store"
)

// ErrNoDaemon says that no daemon serves a data folder.
var ErrNoDaemon = errors.New("no daemon serves the data folder")

// Client is a command's connection to the daemon of its data folder.
type Client struct {
	dir    string
	http   *http.Client
	labels map[string]string // :: namespace -> what its store is called
	closed atomic.Bool
}

// Dial finds the daemon that serves the data folder dir. Where there is none,
// also where a dead one left its socket behind, the error wraps ErrNoDaemon.
func Dial(ctx context.Context, dir string) (*Client, error) {
	c := &Client{dir: dir}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, c.fail("dial", "", err)
	}
	path, err := socketPath(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c.fail("dial", "", ErrNoDaemon)
	}
	if err != nil {
		return nil, c.fail("dial", "", err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	c.http = &http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}
	a, err := c.do(ctx, opHello, &request{})
	if err != nil {
		if absent(err) {
			err = ErrNoDaemon
		}
		c.http.CloseIdleConnections()
		return nil, c.fail("dial", "", err)
	}
	c.labels = a.Labels
	return c, nil
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
	hint := "see whether airlock serve still runs"
	if errors.Is(err, ErrNoDaemon) {
		hint = "start one with airlock serve"
	}
	return &store.Error{Op: op, Store: "daemon of " + c.dir, Name: name, Code: store.Unavailable, Hint: hint, Err: err}
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
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, errors.New("the daemon's answer is not understood: it may be of another version of airlock")
	}
	if a.Error != nil {
		return nil, a.Error.error()
	}
	return &a, nil
}
