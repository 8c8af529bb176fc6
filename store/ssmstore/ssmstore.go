package ssmstore

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/store"
)

// Class is the backend's name in Airflow.
const Class = "SystemsManagerParameterStoreBackend"

// Options configure a Store. Conn's Service is set by New.
type Options = awsconn.ClientOptions

// Store is the Parameter Store of one account and region. It is safe for
// concurrent use.
type Store struct {
	client *awsconn.Client[*ssm.Client]
}

// New returns a store. It asks nothing of the network and reads no file; what
// cannot work is said at the first call, as by the backend.
func New(o Options) *Store { return &Store{awsconn.NewClient("ssm", Class, o, newClient)} }

func newClient(config aws.Config, plainHTTP bool) *ssm.Client {
	o := ssm.Options{Region: config.Region, Credentials: config.Credentials, HTTPClient: config.HTTPClient,
		BaseEndpoint: config.BaseEndpoint, Retryer: config.Retryer(), DisableClockSkewCorrection: true}
	o.EndpointOptions.DisableHTTPS = plainHTTP
	return ssm.New(o)
}

// FromKwargs builds the store that the backend would have with kwargs; nil is
// none. The members that concern names are dialect.SSMFromKwargs's. What is
// wrong with the others is the error of every call, as Airflow raises it then.
func FromKwargs(kwargs *pyjson.Object, env awsconn.Env) *Store {
	o, err := awsconn.FromKwargs("ssm", Class, kwargs, env)
	return New(Options{Conn: o, Err: err})
}

// Name is "ssm" and the endpoint or region where the settings name one.
func (s *Store) Name() string { return s.client.Label() }

// Serve implements store.Served.
func (s *Store) Serve(limit time.Duration) (least time.Duration) { return s.client.Serve(limit) }

// Close ends what goes on and forgets the credentials.
func (s *Store) Close() error { return s.client.Close() }

// Broken returns what is wrong with the settings although Airflow's class is
// constructed with them and fails only when it is first asked, as every
// operation here does. It is nil where nothing is.
func (s *Store) Broken() error { return s.client.Broken() }

// Check that the store is all that it says it is.
var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Writer  = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
	_ store.Served  = (*Store)(nil)
	_ store.Prober  = (*Store)(nil)
)
