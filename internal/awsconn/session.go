package awsconn

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/login"
	"github.com/airlock-secrets/airlock/internal/route"
)

// Conn is a connection to one service. It reads no file and asks nothing
// until Config is called. It is safe for concurrent use.
type Conn struct {
	o Options

	turn   chan struct{} // holds a token while somebody makes the config
	config *aws.Config   // nil until it has been made
	client *http.Client
	// seen is told where requests would go; nil in all but Route.
	seen func(target)

	logins login.Shared[aws.Config]
}

// New returns a connection.
func New(o Options) *Conn { return &Conn{o: o, turn: make(chan struct{}, 1)} }

// Config is what a client of the service is made of: the SDK's own loader is
// not asked. It is made once; a failure is tried again at the next call, as
// the backend's cached_property does. Errors are *store.Error.
func (c *Conn) Config(ctx context.Context) (aws.Config, error) {
	return c.logins.Do(ctx, "", c.configure)
}

// Serve shares log-ins among all callers, each of which may take so long, and
// returns the time that the user gives a request, 0 for none.
func (c *Conn) Serve(limit time.Duration) (least time.Duration) {
	c.logins.Limit = limit
	return max(c.o.Timeout, 0)
}

func (c *Conn) configure(ctx context.Context) (aws.Config, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return aws.Config{}, ctx.Err()
	}
	if c.config == nil {
		made, err := c.prepare(ctx)
		if err != nil {
			return aws.Config{}, err
		}
		c.config = made
	}
	return c.config.Copy(), nil
}

// Close drops idle connections.
func (c *Conn) Close() {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
}

// Label is how a person knows the service: "ssm eu-west-3", "ssm
// http://127.0.0.1:5000". It holds no user info.
func (c *Conn) Label() string {
	switch {
	case c.o.Endpoint != "":
		return c.o.Service + " " + excerpt.Address(c.o.Endpoint)
	case c.o.Region != "":
		return c.o.Service + " " + excerpt.Name(c.o.Region)
	}
	return c.o.Service
}

func (c *Conn) prepare(ctx context.Context) (*aws.Config, error) {
	s, err := open(c.o.Env, c.o.Profile)
	if err != nil {
		return nil, err
	}
	region := either(c.o.Region, s.variable("region", "AWS_DEFAULT_REGION"))
	secure, err := c.httpClient(s, c.o.Verify)
	if err != nil {
		return nil, err
	}
	provider, err := c.credentials(ctx, s, region)
	if err != nil {
		return nil, err
	}
	if c.o.Role.ARN != "" { // SessionFactory makes a second session, without the profile
		if s, err = open(c.o.Env, ""); err != nil {
			return nil, err
		}
	}
	endpoint, _, err := c.serviceEndpoint(s)
	if err == nil {
		err = checkEndpoint(endpoint)
	}
	if err != nil {
		return nil, err
	}
	if err := checkRegion(region); err != nil {
		return nil, err
	}
	config := &aws.Config{Region: region, Credentials: provider, HTTPClient: secure}
	if endpoint != "" {
		config.BaseEndpoint = aws.String(strings.TrimRight(endpoint, "/"))
	}
	attempts := s.attempts()
	config.Retryer = func() aws.Retryer { return &retryer{attempts: attempts, delay: c.o.Delay} }
	return config, nil
}

// serviceEndpoint is where the service is if the kwargs or the settings say
// so, and what says it.
func (c *Conn) serviceEndpoint(s *session) (endpoint string, by []route.Setting, err error) {
	if c.o.Endpoint != "" {
		return c.o.Endpoint, []route.Setting{{Kwarg: "endpoint_url"}}, nil
	}
	return s.endpoint(c.o.Service)
}

// PlainHTTP says whether the service's usual endpoint is asked without TLS.
func (c *Conn) PlainHTTP() bool { return c.o.NoTLS }

// session is what botocore's Session has of the environment and the files.
type session struct {
	env   Env
	files *files
	// name is the profile; named says that a kwarg gave it, which takes the
	// credentials of the environment out of the chain.
	name    string
	named   bool
	profile section
}

// open reads the files and chooses the profile: the kwarg, else
// AWS_DEFAULT_PROFILE, else AWS_PROFILE, else default, which alone may be
// missing.
func open(env Env, profile string) (*session, error) {
	f, err := load(env)
	if err != nil {
		return nil, err
	}
	s := &session{env: env, files: f, name: profile, named: profile != ""}
	for _, name := range []string{"AWS_DEFAULT_PROFILE", "AWS_PROFILE"} {
		s.name = either(s.name, env.get(name))
	}
	var ok bool
	if s.profile, ok = f.profiles[either(s.name, "default")]; !ok && s.name != "" {
		if f.withheld != nil {
			return nil, f.withheld
		}
		return nil, failed("ProfileNotFound", fmt.Sprintf("The config profile (%s) could not be found", clip(s.name)),
			"correct profile_name or AWS_PROFILE, or add the profile to ~/.aws/config")
	}
	s.name = either(s.name, "default")
	return s, nil
}

// variable is a setting from the environment, else from the profile.
func (s *session) variable(option, name string) string {
	v, _ := s.setting(option, name)
	return v
}

// setting is variable, and what says so.
func (s *session) setting(option, name string) (value string, by []route.Setting) {
	if v, ok := s.env.lookup(name); ok {
		return v, []route.Setting{{Variable: name}}
	}
	return s.profile[option], s.file(option)
}

// file is what says what an option of the profile is.
func (s *session) file(option string) []route.Setting {
	f := s.files
	if _, ok := f.credentials[s.name][option]; ok {
		return byFile(s.env.path(f.credentialsPath), "AWS_SHARED_CREDENTIALS_FILE", s.env.get("AWS_SHARED_CREDENTIALS_FILE"))
	}
	return byFile(s.env.path(f.configPath), "AWS_CONFIG_FILE", s.env.get("AWS_CONFIG_FILE"))
}

// attempts is max_attempts, the first one included; 3 unless it is set.
func (s *session) attempts() int {
	if n, err := strconv.Atoi(strings.TrimSpace(s.variable("max_attempts", "AWS_MAX_ATTEMPTS"))); err == nil && n > 0 {
		return n
	}
	return defaultAttempts
}

// endpoint is where the service is if the settings say so
// (ConfiguredEndpointProvider), and what says it; "" for its usual place.
func (s *session) endpoint(service string) (endpoint string, by []route.Setting, err error) {
	if strings.EqualFold(strings.TrimSpace(s.variable("ignore_configured_endpoint_urls", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")), "true") {
		return "", nil, nil
	}
	id := map[string]string{"secretsmanager": "secrets_manager"}[service]
	id = either(id, service)
	for _, name := range []string{"AWS_ENDPOINT_URL_" + strings.ToUpper(id), "AWS_ENDPOINT_URL"} {
		if url := s.env.get(name); url != "" {
			return url, []route.Setting{{Variable: name}}, nil
		}
	}
	if name, ok := s.profile["services"]; ok {
		services := s.files.services[name]
		if services == nil {
			return "", nil, failed("InvalidConfigError", fmt.Sprintf("The profile is configured to use the services section but the %q services configuration does not exist.", clip(name)),
				"add the section [services NAME] to ~/.aws/config, or take the option services out of the profile")
		}
		if url := services.nested(id)["endpoint_url"]; url != "" {
			return url, byFile(s.env.path(s.files.configPath), "AWS_CONFIG_FILE", s.env.get("AWS_CONFIG_FILE")), nil
		}
	}
	if endpoint = s.profile["endpoint_url"]; endpoint != "" {
		by = s.file("endpoint_url")
	}
	return endpoint, by, nil
}
