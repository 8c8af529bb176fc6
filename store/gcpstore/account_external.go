package gcpstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/program"
)

// externalAccount is workload identity federation: somebody else's token is
// exchanged at Google's Security Token Service (google.auth.identity_pool,
// pluggable and aws). The exchange is Google's own package's; where the token
// comes from is read here, so that nothing but Env is asked.
type externalAccount struct {
	env    Env
	config externalaccount.Config
	source *pyjson.Object
	word   program.Word // of source
}

// Format keeps what is configured out of what is printed.
func (*externalAccount) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "external account, redacted")
}

const awsToken = "urn:ietf:params:aws:token-type:aws4_request"

// fromExternalAccount checks what google-auth checks when it loads the file.
func fromExternalAccount(env Env, info *pyjson.Object, word program.Word) (*Credentials, error) {
	if v := get(info, "credential_source"); v != nil {
		if _, ok := v.(*pyjson.Object); !ok {
			return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'get'", pyjson.TypeName(v)))
		}
	}
	source, _ := get(info, "credential_source").(*pyjson.Object)
	if err := need(info, "audience", "subject_token_type", "token_url"); err != nil {
		return nil, err
	}
	if source == nil {
		return nil, errors.New("missing credential_source")
	}
	if err := checkSource(textOf(info, "subject_token_type"), source); err != nil {
		return nil, err
	}
	a := &externalAccount{env: env, source: source, word: word, config: externalaccount.Config{
		Audience: textOf(info, "audience"), SubjectTokenType: textOf(info, "subject_token_type"), TokenURL: textOf(info, "token_url"),
		ServiceAccountImpersonationURL: textOf(info, "service_account_impersonation_url"),
		ClientID:                       textOf(info, "client_id"), ClientSecret: textOf(info, "client_secret"),
		WorkforcePoolUserProject: textOf(info, "workforce_pool_user_project"), UniverseDomain: universeIn(info),
	}}
	if impersonation, ok := get(info, "service_account_impersonation").(*pyjson.Object); ok {
		if seconds, ok := get(impersonation, "token_lifetime_seconds").(int64); ok && seconds > 0 && seconds <= 43200 {
			a.config.ServiceAccountImpersonationLifetimeSeconds = int(seconds)
		}
	}
	return &Credentials{account: a, quotaProject: textOf(info, "quota_project_id"), universe: universeIn(info)}, nil
}

var awsEnvironment = regexp.MustCompile(`^aws1$`)

func checkSource(tokenType string, source *pyjson.Object) error {
	executable := get(source, "executable")
	file, url := get(source, "file"), get(source, "url")
	switch {
	case tokenType == awsToken:
		if !awsEnvironment.MatchString(textOf(source, "environment_id")) || textOf(source, "regional_cred_verification_url") == "" {
			return errors.New("credential_source is none for AWS")
		}
	case executable != nil:
		object, ok := executable.(*pyjson.Object)
		if !ok || textOf(object, "command") == "" {
			return errors.New("credential_source has an executable without a command")
		}
	case get(source, "certificate") != nil:
		return errors.New("airlock does not read a credential_source of certificates")
	case file != nil && url != nil, file == nil && url == nil:
		return errors.New("credential_source needs a file or a url, and not both")
	}
	return nil
}

// token implements account.
func (a *externalAccount) token(ctx context.Context, w *web, scopes []string) (access, error) {
	const what = "exchanging the workload's identity"
	client, err := w.http()
	if err != nil {
		return access{}, noToken(what, err)
	}
	if scopes == nil {
		scopes = []string{cloudScope}
	}
	config := a.config
	config.Scopes = scopes
	var failed error
	supplier := subject{a, w, &failed}
	if config.SubjectTokenType == awsToken {
		config.AwsSecurityCredentialsSupplier = aws{supplier}
	} else {
		config.SubjectTokenSupplier = supplier
	}
	source, err := externalaccount.NewTokenSource(context.WithValue(ctx, oauth2.HTTPClient, client), config)
	if err != nil {
		return access{}, &tokenError{what: what, cause: errors.New("the credential configuration is not complete")}
	}
	token, err := source.Token()
	if failed != nil { // of which an impersonation keeps the text only
		return access{}, failed
	}
	if err != nil {
		return access{}, exchangeError(what, err)
	}
	return access{token.AccessToken, token.Expiry}, nil
}

var statusIn = regexp.MustCompile(`status code (\d{3})`)

// exchangeError keeps the status of a refusal; its text would quote whatever
// the endpoint said.
func exchangeError(what string, err error) error {
	if match := statusIn.FindStringSubmatch(err.Error()); match != nil {
		code, _ := strconv.Atoi(match[1])
		return &tokenError{what: what, status: code}
	}
	return &tokenError{what: what, cause: errUnreachable}
}

// subject reads the token that is to be exchanged.
type subject struct {
	*externalAccount
	web *web
	// failed is why there is none.
	failed *error
}

// SubjectToken implements externalaccount.SubjectTokenSupplier.
func (s subject) SubjectToken(ctx context.Context, _ externalaccount.SupplierOptions) (string, error) {
	token, err := s.read(ctx)
	return token, s.keep(err)
}

// keep notes an error.
func (s subject) keep(err error) error {
	if err != nil {
		*s.failed = err
	}
	return err
}

func (s subject) read(ctx context.Context) (string, error) {
	if executable, ok := get(s.source, "executable").(*pyjson.Object); ok {
		return s.fromExecutable(ctx, executable)
	}
	const what = "reading the workload's own token"
	var text string
	if file, ok := get(s.source, "file").(string); ok {
		content, err := readFile(s.env, file)
		if err != nil {
			return "", noToken(what, err)
		}
		text = content
	} else {
		a, err := s.fetch(ctx, textOf(s.source, "url"), what)
		if err != nil {
			return "", err
		}
		text = string(a.body)
	}
	return s.parse(text, what)
}

// fetch asks the credential source's URL with its headers.
func (s subject) fetch(ctx context.Context, address, what string) (*answer, error) {
	if c := s.env.Confined; c != nil {
		return nil, c.Withhold("what the URL of credential_source gives to this machine")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &tokenError{what: what, cause: errors.New("credential_source.url is not a URL")}
	}
	if headers, ok := get(s.source, "headers").(*pyjson.Object); ok {
		for _, name := range headers.Keys() {
			req.Header.Set(name, textOf(headers, name))
		}
	}
	a, err := s.web.do(req, what)
	if err == nil && a.status != http.StatusOK {
		err = &tokenError{what: what, status: a.status}
	}
	return a, err
}

// parse is identity_pool._parse_token_data.
func (s subject) parse(text, what string) (string, error) {
	format, ok := get(s.source, "format").(*pyjson.Object)
	if ok && textOf(format, "type") == "json" {
		v, err := pyjson.Decode(text)
		object, isObject := v.(*pyjson.Object)
		if err != nil || !isObject {
			return "", &tokenError{what: what, cause: errors.New("it is not a JSON object")}
		}
		text = textOf(object, textOf(format, "subject_token_field_name"))
	}
	if text == "" {
		return "", &tokenError{what: what, cause: errors.New("it is empty")}
	}
	return text, nil
}

// aws proves an AWS identity, from the environment or the machine's metadata
// (google.auth.aws._DefaultAwsSecurityCredentialsSupplier).
type aws struct{ subject }

// AwsRegion implements externalaccount.AwsSecurityCredentialsSupplier.
func (s aws) AwsRegion(ctx context.Context, _ externalaccount.SupplierOptions) (string, error) {
	region, err := s.region(ctx)
	return region, s.keep(err)
}

func (s aws) region(ctx context.Context) (string, error) {
	if region := s.env.first("AWS_REGION", "AWS_DEFAULT_REGION"); region != "" {
		return region, nil
	}
	const what = "asking AWS for the region"
	zone, err := s.ask(ctx, textOf(s.source, "region_url"), what)
	if err != nil || zone == "" {
		return "", noToken(what, err)
	}
	return zone[:len(zone)-1], nil // the zone's letter
}

// AwsSecurityCredentials implements externalaccount.AwsSecurityCredentialsSupplier.
func (s aws) AwsSecurityCredentials(ctx context.Context, _ externalaccount.SupplierOptions) (*externalaccount.AwsSecurityCredentials, error) {
	keys, err := s.keys(ctx)
	return keys, s.keep(err)
}

func (s aws) keys(ctx context.Context) (*externalaccount.AwsSecurityCredentials, error) {
	id, secret := s.env.get("AWS_ACCESS_KEY_ID"), s.env.get("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret != "" {
		return &externalaccount.AwsSecurityCredentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: s.env.get("AWS_SESSION_TOKEN")}, nil
	}
	const what = "asking AWS for the machine's role"
	base := textOf(s.source, "url")
	role, err := s.ask(ctx, base, what)
	if err != nil {
		return nil, err
	}
	text, err := s.ask(ctx, strings.TrimRight(base, "/")+"/"+role, what)
	if err != nil {
		return nil, err
	}
	var said struct {
		ID     string `json:"AccessKeyId"`
		Secret string `json:"SecretAccessKey"`
		Token  string `json:"Token"`
	}
	if json.Unmarshal([]byte(text), &said) != nil {
		return nil, &tokenError{what: what, status: http.StatusOK, cause: errors.New("the answer is not JSON")}
	}
	return &externalaccount.AwsSecurityCredentials{AccessKeyID: said.ID, SecretAccessKey: said.Secret, SessionToken: said.Token}, nil
}

// ask reads AWS's metadata, with a session token where one is configured.
func (s aws) ask(ctx context.Context, address, what string) (string, error) {
	if c := s.env.Confined; c != nil {
		return "", c.Withhold("the role of this machine")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || address == "" {
		return "", &tokenError{what: what, cause: errors.New("credential_source has no URL for it")}
	}
	if session := textOf(s.source, "imdsv2_session_token_url"); session != "" {
		put, err := http.NewRequestWithContext(ctx, http.MethodPut, session, nil)
		if err != nil {
			return "", &tokenError{what: what, cause: errors.New("imdsv2_session_token_url is not a URL")}
		}
		put.Header.Set("X-aws-ec2-metadata-token-ttl-seconds", "300")
		a, err := s.web.do(put, what)
		if err != nil {
			return "", err
		}
		req.Header.Set("X-aws-ec2-metadata-token", string(a.body))
	}
	a, err := s.web.do(req, what)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", &tokenError{what: what, status: a.status}
	}
	return string(a.body), nil
}
