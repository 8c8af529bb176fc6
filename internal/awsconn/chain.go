package awsconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/airlock-secrets/airlock/store"
)

// credentials is the chain of a session: what the kwargs say, else botocore's
// create_credential_resolver.
func (c *Conn) credentials(ctx context.Context, s *session, region string) (aws.CredentialsProvider, error) {
	base, err := c.baseCredentials(s, region)
	if err != nil || c.o.Role.ARN == "" {
		return base, err
	}
	assumer, err := c.assumer(s, region)
	if err != nil {
		return nil, err
	}
	if c.o.Role.Method == "assume_role_with_web_identity" {
		return assumer.webIdentity(c.o.Role)
	}
	if base == nil {
		return nil, noCredentials()
	}
	assumer.source = base
	provider, err := assumer.role(c.o.Role, "airflow_"+slug(c.o.Class)+"__connection")
	if err != nil {
		return nil, err
	}
	// The role is assumed while the client is made, so that its failure is
	// that of the look-up.
	_, err = provider.Retrieve(ctx)
	return provider, err
}

func noCredentials() error {
	return failed("NoCredentialsError", "Unable to locate credentials",
		"set aws_access_key_id and aws_secret_access_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile; in the cloud, give the machine a role")
}

func (c *Conn) baseCredentials(s *session, region string) (aws.CredentialsProvider, error) {
	if c.explicit() {
		if c.o.AccessKeyID == "" || c.o.SecretAccessKey == "" {
			missing := "aws_access_key_id"
			if c.o.AccessKeyID != "" {
				missing = "aws_secret_access_key"
			}
			return nil, partial("explicit", missing)
		}
		return static(c.o.AccessKeyID, c.o.SecretAccessKey, c.o.SessionToken), nil
	}
	ch := &chain{conn: c, s: s, region: region}
	provider, err := ch.resolve()
	if err != nil || provider != nil {
		return provider, err
	}
	missing := noCredentials()
	if s.files.withheld != nil {
		missing = s.files.withheld
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, missing }), nil
}

// explicit reports whether the kwargs hold credentials, or a part of them.
func (c *Conn) explicit() bool {
	return c.o.AccessKeyID != "" || c.o.SecretAccessKey != "" || c.o.SessionToken != ""
}

func static(id, secret, token string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token, Source: "static"}, nil
	})
}

func partial(method, missing string) error {
	return failed("PartialCredentialsError", fmt.Sprintf("Partial credentials found in %s, missing: %s", method, missing), "give both halves of the key pair, or none")
}

// chain looks for credentials in botocore's order.
type chain struct {
	conn    *Conn
	s       *session
	region  string
	visited []string
}

// resolve returns nil where there are none.
func (ch *chain) resolve() (aws.CredentialsProvider, error) {
	steps := []func() (aws.CredentialsProvider, error){
		ch.environment,
		func() (aws.CredentialsProvider, error) { return ch.profileRole(ch.s.name) },
		func() (aws.CredentialsProvider, error) { return ch.profileOwn(ch.s.name, !ch.s.named) },
		ch.container,
		ch.instance,
	}
	if ch.s.named {
		steps = steps[1:]
	}
	return first(steps)
}

func first(steps []func() (aws.CredentialsProvider, error)) (aws.CredentialsProvider, error) {
	for _, step := range steps {
		if provider, err := step(); provider != nil || err != nil {
			return provider, err
		}
	}
	return nil, nil
}

// environment is EnvProvider.
func (ch *chain) environment() (aws.CredentialsProvider, error) {
	id, secret := ch.s.env.get("AWS_ACCESS_KEY_ID"), ch.s.env.get("AWS_SECRET_ACCESS_KEY")
	switch {
	case id == "":
		return nil, nil
	case secret == "":
		return nil, partial("env", "AWS_SECRET_ACCESS_KEY")
	}
	return static(id, secret, either(ch.s.env.get("AWS_SECURITY_TOKEN"), ch.s.env.get("AWS_SESSION_TOKEN"))), nil
}

// profileOwn is what ProfileProviderBuilder makes of one profile, a role with
// a source profile left out: web identity, Identity Center, the pair of the
// credentials file, a process, the pair of the configuration file.
func (ch *chain) profileOwn(name string, withEnv bool) (aws.CredentialsProvider, error) {
	return first([]func() (aws.CredentialsProvider, error){
		func() (aws.CredentialsProvider, error) { return ch.webIdentity(name, withEnv) },
		func() (aws.CredentialsProvider, error) { return nil, ch.unread(name) },
		func() (aws.CredentialsProvider, error) {
			return pair(ch.s.files.credentials[name], "shared-credentials-file")
		},
		func() (aws.CredentialsProvider, error) {
			if ch.s.env.Confined != nil {
				return nil, nil
			}
			return ch.process(name)
		},
		func() (aws.CredentialsProvider, error) { return pair(ch.s.files.config[name], "config-file") },
	})
}

func pair(s section, method string) (aws.CredentialsProvider, error) {
	id, ok := s["aws_access_key_id"]
	if !ok {
		return nil, nil
	}
	secret, ok := s["aws_secret_access_key"]
	if !ok {
		return nil, partial(method, "aws_secret_access_key")
	}
	token, ok := s["aws_security_token"]
	if !ok {
		token = s["aws_session_token"]
	}
	return static(id, secret, token), nil
}

// unread refuses the log-ins of people.
func (ch *chain) unread(name string) error {
	p := ch.s.files.profiles[name]
	for _, option := range []string{"sso_start_url", "sso_session", "sso_account_id", "sso_role_name", "login_session"} {
		if _, ok := p[option]; ok {
			return unsupported(fmt.Sprintf("the option %s of the profile %q", option, clip(name)),
				"let the AWS CLI write credentials for it (aws configure export-credentials), and name a profile that holds them")
		}
	}
	return nil
}

// profileRole is AssumeRoleProvider: a profile with role_arn and where the
// credentials for it come from.
func (ch *chain) profileRole(name string) (aws.CredentialsProvider, error) {
	p := ch.s.files.profiles[name]
	if _, web := p["web_identity_token_file"]; p["role_arn"] == "" || web {
		return nil, nil
	}
	if slices.Contains(ch.visited, name) {
		return nil, failed("InfiniteLoopConfigError", fmt.Sprintf("Infinite loop in credential configuration detected at source_profile %s", clip(name)),
			"let source_profile end at a profile with a key pair")
	}
	ch.visited = append(ch.visited, name)
	if p["mfa_serial"] != "" {
		return nil, unsupported(fmt.Sprintf("the option mfa_serial of the profile %q", clip(name)), "nobody is there to type the code: use a role that needs none")
	}
	source, err := ch.source(name, p)
	if err != nil {
		return nil, err
	}
	a, err := ch.conn.assumer(ch.s, either(ch.region, ch.s.variable("region", "AWS_DEFAULT_REGION")))
	if err != nil {
		return nil, err
	}
	a.source = source
	return a.profile(p)
}

// source is where the credentials come from that assume the role of p.
func (ch *chain) source(name string, p section) (aws.CredentialsProvider, error) {
	from, hasSource := p["credential_source"]
	profile, hasProfile := p["source_profile"]
	switch {
	case hasSource && hasProfile:
		return nil, failed("InvalidConfigError", fmt.Sprintf("The profile %q contains both source_profile and credential_source.", clip(name)), "keep one of them")
	case hasSource:
		return ch.named(name, from)
	case !hasProfile:
		return nil, partial("assume-role", "source_profile or credential_source")
	}
	if _, ok := ch.s.files.profiles[profile]; !ok {
		return nil, failed("InvalidConfigError", fmt.Sprintf("The source_profile %q referenced in the profile %q does not exist.", clip(profile), clip(name)),
			"correct source_profile in ~/.aws/config")
	}
	if sp := ch.s.files.profiles[profile]; sp["aws_access_key_id"] == "" && sp["aws_secret_access_key"] == "" && sp["role_arn"] != "" {
		if _, web := sp["web_identity_token_file"]; !web {
			return ch.profileRole(profile)
		}
	}
	provider, err := ch.profileOwn(profile, false)
	if err == nil && provider == nil {
		err = failed("InvalidConfigError", fmt.Sprintf("The source profile %q must have credentials.", clip(profile)), "add a key pair to the profile")
	}
	return provider, err
}

// named is credential_source.
func (ch *chain) named(profile, from string) (aws.CredentialsProvider, error) {
	step, ok := map[string]func() (aws.CredentialsProvider, error){
		"Environment": ch.environment, "EcsContainer": ch.container, "Ec2InstanceMetadata": ch.instance,
	}[from]
	if !ok {
		return nil, failed("InvalidConfigError", fmt.Sprintf("The credential source %q referenced in profile %q is not valid.", clip(from), clip(profile)),
			"write Environment, EcsContainer or Ec2InstanceMetadata")
	}
	provider, err := step()
	if err == nil && provider == nil {
		err = failed("CredentialRetrievalError", fmt.Sprintf("Error when retrieving credentials from %s: No credentials found in credential_source referenced in profile %s",
			clip(from), clip(profile)), "set them, or correct credential_source")
	}
	return provider, err
}

// webIdentity is AssumeRoleWithWebIdentityProvider, how a pod on EKS has its role.
func (ch *chain) webIdentity(name string, withEnv bool) (aws.CredentialsProvider, error) {
	get := func(option, variable string) string {
		if v, ok := ch.s.env.lookup(variable); ok && withEnv {
			return v
		}
		return ch.s.files.profiles[name][option]
	}
	token := get("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE")
	if token == "" {
		return nil, nil
	}
	arn := get("role_arn", "AWS_ROLE_ARN")
	if arn == "" {
		return nil, failed("InvalidConfigError", "The provided profile or the current environment is configured to assume role with web identity but has no role ARN configured. "+
			"Ensure that the profile has the role_arnconfiguration set or the AWS_ROLE_ARN env var is set.", "set AWS_ROLE_ARN")
	}
	a, err := ch.conn.assumer(ch.s, either(ch.region, ch.s.variable("region", "AWS_DEFAULT_REGION")))
	if err != nil {
		return nil, err
	}
	a.session = get("role_session_name", "AWS_ROLE_SESSION_NAME")
	return a.webIdentity(Role{ARN: arn, TokenFile: token})
}

// caught gives a failure while credentials are fetched its code.
func caught(provider, what string, err error, hint string) error {
	var coded *store.Error
	if errors.As(err, &coded) {
		return err
	}
	return &store.Error{Code: store.Unauthenticated, Hint: hint,
		Err: fmt.Errorf("%w: %w", raised("CredentialRetrievalError", fmt.Sprintf("Error when retrieving credentials from %s: %s", provider, what)), err)}
}

// seconds reads a duration of a profile; anything else is passed over.
func seconds(text string) int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

var _ http.RoundTripper = (*transport)(nil)
