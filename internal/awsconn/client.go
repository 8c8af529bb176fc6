package awsconn

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// Client is a store's way to its service: a client of the SDK, which is a C,
// made at the first call, and the errors of its calls. It is safe for
// concurrent use.
type Client[C any] struct {
	conn  *Conn
	build func(config aws.Config, plainHTTP bool) C
	label string
	log   *slog.Logger
	err   error // the end of every call

	done   context.Context // ends at Close
	finish context.CancelFunc

	mu     sync.Mutex
	made   bool
	client C // once made is set
}

// ClientOptions configure a Client.
type ClientOptions struct {
	// Conn is how AWS is reached. Its Service is the store's, and so is its
	// Class where it is empty.
	Conn Options
	// Err, when not nil, is the error of every call: kwargs that Airflow
	// accepts until it first needs a client.
	Err error
	// Log receives debug messages, names in them but no values. Nil: none.
	Log *slog.Logger
}

// NewClient returns a client of a service for the store that stands for an
// Airflow class; build makes the SDK's. It asks nothing of the network and
// reads no file.
func NewClient[C any](service, class string, o ClientOptions, build func(config aws.Config, plainHTTP bool) C) *Client[C] {
	o.Conn.Service = service
	o.Conn.Class = either(o.Conn.Class, class)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	conn := New(o.Conn)
	c := &Client[C]{conn: conn, build: build, label: conn.Label(), log: o.Log, err: o.Err}
	c.done, c.finish = context.WithCancel(context.Background())
	return c
}

// Label is the Conn's.
func (c *Client[C]) Label() string { return c.label }

// Broken is what every call fails with whatever is asked, nil where nothing is
// wrong with the settings.
func (c *Client[C]) Broken() error { return c.Fail("configure", "", c.err) }

// Serve is the Conn's, until Close.
func (c *Client[C]) Serve(limit time.Duration) (least time.Duration) {
	c.conn.logins.Life = c.done
	return c.conn.Serve(limit)
}

// Close ends the calls that go on and forgets the credentials.
func (c *Client[C]) Close() error {
	c.finish()
	c.conn.Close()
	return nil
}

// Run is one call of the service, of the operation op on name. Errors are
// *store.Error.
func (c *Client[C]) Run(ctx context.Context, op, name string, call func(context.Context, C) error) error {
	switch {
	case c.done.Err() != nil:
		return c.Fail(op, name, &store.Error{Code: store.Unavailable, Err: errors.New("the store is closed")})
	case c.err != nil:
		return c.Fail(op, name, c.err)
	case ctx.Err() != nil:
		return c.Fail(op, name, &store.Error{Code: store.Unavailable, Err: ctx.Err()})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.done, cancel)()
	client, err := c.connect(ctx)
	if err == nil {
		err = call(ctx, client)
	}
	return c.Fail(op, name, err)
}

// connect makes the client at the first call.
func (c *Client[C]) connect(ctx context.Context) (C, error) {
	config, err := c.conn.Config(ctx)
	if err != nil {
		var none C
		return none, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.made {
		c.client, c.made = c.build(config, c.conn.PlainHTTP()), true
	}
	return c.client, nil
}

// Get is Run of the read of one name. That there is none is logged, noun being
// what there is none of.
func (c *Client[C]) Get(ctx context.Context, name, noun string, call func(context.Context, C) error) error {
	const op = "get"
	if err := c.CheckName(op, name); err != nil {
		return err
	}
	err := c.Run(ctx, op, name, call)
	if store.CodeOf(err) == store.NotFound {
		c.log.DebugContext(ctx, "no such "+noun, "store", c.label, "name", excerpt.Name(name))
	}
	return err
}

// CheckName refuses names that cannot even be sent. Which others the service
// takes is for it to say.
func (c *Client[C]) CheckName(op, name string) error {
	switch {
	case name == "":
		return c.Fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New("a name must not be empty")})
	case !utf8.ValidString(name):
		return c.Fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New("the name is not UTF-8")})
	}
	return nil
}

// Fail is Fail of this store.
func (c *Client[C]) Fail(op, name string, err error) error { return Fail(op, c.label, name, err) }
