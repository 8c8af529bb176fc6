package awsconn

import (
	"net/http"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// Options are the extra of an AWS connection, as a backend's kwargs give it.
// The zero value is boto3 without any argument.
type Options struct {
	// Service is botocore's name of the service: "ssm", "secretsmanager".
	Service string
	// Class is the Airflow class whose kwargs these are; it names the
	// connection in messages and in the session of an assumed role.
	Class string
	// Region, Profile, Endpoint: empty ones come from the environment and
	// the files of ~/.aws.
	Region, Profile, Endpoint string
	// AccessKeyID, SecretAccessKey and SessionToken: explicit credentials.
	AccessKeyID, SecretAccessKey, SessionToken string
	// Role, when its ARN is not empty, is assumed.
	Role Role
	// STSEndpoint is where roles are assumed; empty: STS of the region.
	STSEndpoint string
	// STSRegion is config_kwargs' region_name, for STS alone.
	STSRegion string
	// STSAttempts is config_kwargs' retries, for STS alone; 0: as elsewhere.
	STSAttempts int
	// Verify says whom to trust.
	Verify Verify
	// NoTLS is use_ssl false: plain HTTP to the service's usual endpoint.
	NoTLS bool
	// Timeout of each attempt, its answer included. 0: DefaultTimeout.
	Timeout time.Duration
	// Env is the environment to read; the zero value is empty.
	Env Env
	// Transport sends requests in place of one made of Verify and the
	// proxies; nil in all but tests.
	Transport http.RoundTripper
	// Delay replaces the pause before attempt n+1; nil: botocore's.
	Delay func(attempt int, throttled bool) time.Duration
}

// DefaultTimeout is botocore's for connecting and for reading.
const DefaultTimeout = 60 * time.Second

// Verify is the kwarg verify.
type Verify struct {
	// Insecure switches verification off.
	Insecure bool
	// CA is a file or folder of PEM certificates to trust in place of the
	// system's. Empty: AWS_CA_BUNDLE, the profile's ca_bundle,
	// REQUESTS_CA_BUNDLE, in this order, else the system's.
	CA string
}

// Role is what to assume before anything is asked.
type Role struct {
	// ARN; empty: none.
	ARN string
	// Method is assume_role or assume_role_with_web_identity.
	Method string
	// Args are assume_role_kwargs, as the members of the request are called.
	Args *pyjson.Object
	// TokenFile holds the web identity; empty: AWS_WEB_IDENTITY_TOKEN_FILE.
	TokenFile string
}

// timeout is that of one attempt.
func (o *Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return DefaultTimeout
}
