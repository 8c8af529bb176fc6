package secretsmanagerstore

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/store"
)

// Class is the backend's name in Airflow.
const Class = "SecretsManagerBackend"

// Options configure a Store.
type Options struct {
	// Conn is how AWS is reached. Its Service is set by New.
	Conn awsconn.Options
	// Err, when not nil, is the error of every call: kwargs that Airflow
	// accepts until it first needs a client.
	Err error
	// Log receives debug messages, names in them but no values. Nil: none.
	Log *slog.Logger
}

// Store is the Secrets Manager of one account and region. It is safe for
// concurrent use.
type Store struct {
	conn  *awsconn.Conn
	label string
	log   *slog.Logger
	err   error // Options.Err

	done   context.Context // ends at Close
	finish context.CancelFunc

	mu     sync.Mutex
	client *secretsmanager.Client // nil until the first call
}

// New returns a store. It asks nothing of the network and reads no file; what
// cannot work is said at the first call, as by the backend.
func New(o Options) *Store {
	o.Conn.Service = "secretsmanager"
	if o.Conn.Class == "" {
		o.Conn.Class = Class
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	conn := awsconn.New(o.Conn)
	s := &Store{conn: conn, label: conn.Label(), log: o.Log, err: o.Err}
	s.done, s.finish = context.WithCancel(context.Background())
	return s
}

// FromKwargs builds the store that the backend would have with kwargs; nil is
// none. The members that concern names are dialect.SecretsManagerFromKwargs's. What is
// wrong with the others is the error of every call, as Airflow raises it then.
func FromKwargs(kwargs *pyjson.Object, env awsconn.Env) *Store {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	o, err := awsconn.FromKwargs("secretsmanager", Class, kwargs, env)
	return New(Options{Conn: o, Err: err})
}

// Name is "secretsmanager" and the endpoint or region where the settings name one.
func (s *Store) Name() string { return s.label }

// Close ends what goes on and forgets the credentials.
func (s *Store) Close() error {
	s.finish()
	s.conn.Close()
	return nil
}

// run is one call of the service.
func (s *Store) run(ctx context.Context, op, name string, call func(context.Context, *secretsmanager.Client) error) error {
	switch {
	case s.done.Err() != nil:
		return s.fail(op, name, &store.Error{Code: store.Unavailable, Err: errors.New("the store is closed")})
	case s.err != nil:
		return s.fail(op, name, s.err)
	case ctx.Err() != nil:
		return s.fail(op, name, &store.Error{Code: store.Unavailable, Err: ctx.Err()})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.done, cancel)()
	client, err := s.connect(ctx)
	if err == nil {
		err = call(ctx, client)
	}
	return s.fail(op, name, err)
}

// connect makes the client at the first call.
func (s *Store) connect(ctx context.Context) (*secretsmanager.Client, error) {
	config, err := s.conn.Config(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		o := secretsmanager.Options{Region: config.Region, Credentials: config.Credentials, HTTPClient: config.HTTPClient,
			BaseEndpoint: config.BaseEndpoint, Retryer: config.Retryer(), DisableClockSkewCorrection: true}
		o.EndpointOptions.DisableHTTPS = s.conn.PlainHTTP()
		s.client = secretsmanager.New(o)
	}
	return s.client, nil
}

func (s *Store) fail(op, name string, err error) error { return awsconn.Fail(op, s.label, name, err) }

// Check that the store is all that it says it is.
var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Writer  = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
)
