package azurestore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
	"github.com/airlock-secrets/airlock/store"
)

// defaultAuthority is the login service of Azure's public cloud.
const defaultAuthority = "https://login.microsoftonline.com"

// credentialClass is the class that AzureKeyVaultBackend would construct.
func (o *Options) credentialClass() string {
	if o.TenantID != "" && o.ClientID != "" && o.ClientSecret != "" {
		return "ClientSecretCredential"
	}
	return "DefaultAzureCredential"
}

// credential is AzureKeyVaultBackend's: its error is that of the class's
// constructor.
func (o *Options) credential() (azcore.TokenCredential, error) {
	l, err := newLogin(o)
	if err != nil {
		return nil, err
	}
	if o.credentialClass() == "ClientSecretCredential" {
		return l.clientSecret(o.TenantID, o.ClientID, o.ClientSecret)
	}
	return l.defaultChain(o)
}

// login makes credentials that share a client: one that goes by the
// environment, as the vault's own settings do not reach it.
type login struct {
	env       Env
	authority string
	options   policy.ClientOptions
	http      *http.Client
	timeout   time.Duration
	retries   int
	delay     time.Duration
}

func newLogin(o *Options) (*login, error) {
	authority, err := authority(o.Env)
	if err != nil {
		return nil, err
	}
	client, err := newHTTPClient(o, TLS{}, true, nil)
	if err != nil {
		return nil, err
	}
	l := &login{env: o.Env, authority: authority, http: client, timeout: o.timeout(), retries: 3, delay: 800 * time.Millisecond}
	if o.RetryDelay > 0 {
		l.delay = o.RetryDelay
	}
	l.options = policy.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: authority},
		Transport: l,
		Retry:     policy.RetryOptions{MaxRetries: int32(l.retries), RetryDelay: l.delay, MaxRetryDelay: 30 * time.Second},
	}
	l.options.Telemetry.Disabled = true
	return l, nil
}

// Do implements policy.Transporter.
func (l *login) Do(req *http.Request) (*http.Response, error) {
	return exchange(l.http, req, l.timeout)
}

// authority is get_default_authority and normalize_authority.
func authority(env Env) (string, error) {
	given, ok := env.lookup("AZURE_AUTHORITY_HOST")
	if !ok {
		return defaultAuthority, nil
	}
	given = strings.TrimRight(given, " /")
	switch scheme, _, found := strings.Cut(given, ":"); {
	case !found:
		return "https://" + given, nil
	case !strings.EqualFold(scheme, "https"):
		return "", &store.Error{Code: store.Invalid, Hint: "write AZURE_AUTHORITY_HOST as https://HOST",
			Err: &airflow.Error{Type: "ValueError", Message: "AZURE_AUTHORITY_HOST is an invalid authority. The value must be a TLS protected (https) URL."}}
	}
	return given, nil
}

// invalidTenant is validate_tenant_id.
func invalidTenant(tenant string) error {
	bad := func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if tenant != "" && !strings.ContainsFunc(tenant, bad) {
		return nil
	}
	return &store.Error{Code: store.Invalid, Hint: "correct tenant_id (AZURE_TENANT_ID): a GUID, or a domain of the tenant",
		Err: &airflow.Error{Type: "ValueError", Message: "Invalid tenant ID provided. You can locate your tenant ID by following the instructions here: " +
			"https://learn.microsoft.com/partner-center/find-ids-and-domain-names"}}
}

func (l *login) clientSecret(tenant, client, secret string) (azcore.TokenCredential, error) {
	if err := invalidTenant(tenant); err != nil {
		return nil, err
	}
	if client == "" || secret == "" {
		return nil, &store.Error{Code: store.Invalid, Hint: "set AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or unset them",
			Err: &airflow.Error{Type: "ValueError", Message: "client_id and client_secret must not be empty"}}
	}
	if l.federated(tenant) {
		proof := func(context.Context) (url.Values, error) { return url.Values{"client_secret": {secret}}, nil }
		return l.ofTenant(&federation{login: l, authority: l.authority + "/" + tenant, client: client, proof: proof}, tenant, nil, secret), nil
	}
	c, err := azidentity.NewClientSecretCredential(tenant, client, secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: l.options})
	if err != nil {
		return nil, plainError(err, secret)
	}
	return l.ofTenant(c, tenant, nil, secret), nil
}

// certificate is CertificateCredential over the variables of
// EnvironmentCredential.
func (l *login) certificate(tenant, client, path, password string) (azcore.TokenCredential, error) {
	if err := invalidTenant(tenant); err != nil {
		return nil, err
	}
	invalid := func(err error) error {
		return &store.Error{Code: store.Invalid, Err: fmt.Errorf("reading AZURE_CLIENT_CERTIFICATE_PATH: %w", err),
			Hint: "it must name a PEM or PKCS12 file with certificate and key; AZURE_CLIENT_CERTIFICATE_PASSWORD is its password"}
	}
	text, err := l.env.Confined.ReadFile(l.env.path(path), maxCredential)
	if withheld(err) {
		return nil, err
	}
	if err != nil {
		return nil, invalid(err)
	}
	if requests.LargeKey(text) {
		return nil, invalid(errors.New("its key is longer than an RSA key of 16384 bits"))
	}
	certs, key, err := azidentity.ParseCertificates(text, []byte(password))
	if err != nil {
		return nil, invalid(errors.New("there is no certificate with its key in it"))
	}
	o := &azidentity.ClientCertificateCredentialOptions{ClientOptions: l.options, SendCertificateChain: l.env.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN") != ""}
	c, err := azidentity.NewClientCertificateCredential(tenant, client, certs, key, o)
	if err != nil {
		return nil, plainError(err)
	}
	return l.ofTenant(c, tenant, nil), nil
}

// maxCredential bounds a file that proves who asks.
const maxCredential = 1 << 20

// workload is WorkloadIdentityCredential: the token of the pod is read anew
// for each log-in.
func (l *login) workload(tenant, client, file string, allowed []string) (azcore.TokenCredential, error) {
	if err := invalidTenant(tenant); err != nil {
		return nil, err
	}
	assertion := func(context.Context) (string, error) {
		text, err := l.env.Confined.ReadFile(l.env.path(file), maxCredential)
		if withheld(err) {
			return "", err
		}
		if err != nil {
			return "", &store.Error{Code: store.Invalid, Err: fmt.Errorf("reading AZURE_FEDERATED_TOKEN_FILE: %w", err),
				Hint: "the workload identity's webhook mounts this file: does the pod have it?"}
		}
		return string(text), nil
	}
	if l.env.Confined != nil { // Microsoft's library keeps the text of an error only
		if _, err := assertion(context.Background()); withheld(err) {
			return nil, err
		}
	}
	if l.federated(tenant) {
		proof := func(ctx context.Context) (url.Values, error) {
			text, err := assertion(ctx)
			return url.Values{"client_assertion": {text}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, err
		}
		return l.ofTenant(&federation{login: l, authority: l.authority + "/" + tenant, client: client, proof: proof}, tenant, allowed), nil
	}
	o := &azidentity.ClientAssertionCredentialOptions{ClientOptions: l.options, AdditionallyAllowedTenants: allowed}
	c, err := azidentity.NewClientAssertionCredential(tenant, client, assertion, o)
	if err != nil {
		return nil, plainError(err)
	}
	return l.ofTenant(c, tenant, allowed), nil
}

// ofTenant is a credential that refuses other tenants than its own and those
// that are allowed besides, in the words of azure-identity.
func (l *login) ofTenant(c azcore.TokenCredential, tenant string, allowed []string, secrets ...string) azcore.TokenCredential {
	return &tenantCredential{c, tenant, allowed, l.env.get("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH") != "", secrets}
}

type tenantCredential struct {
	next    azcore.TokenCredential
	tenant  string
	allowed []string
	only    bool     // the own tenant is asked whatever the vault says
	secrets []string // what no error may show
}

// GetToken implements azcore.TokenCredential (resolve_tenant).
func (c *tenantCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	switch asked := o.TenantID; {
	case asked == "", asked == c.tenant, c.tenant == "adfs", c.only:
		o.TenantID = ""
	case slices.Contains(c.allowed, asked), slices.Contains(c.allowed, "*"):
	default:
		return azcore.AccessToken{}, &store.Error{Code: store.Unauthenticated,
			Hint: "tenant_id (AZURE_TENANT_ID) is not the tenant of the vault: correct it, or vault_url",
			Err: &airflow.Error{Type: "ClientAuthenticationError", Message: fmt.Sprintf("The current credential is not configured to acquire tokens for tenant %s. "+
				"To enable acquiring tokens for this tenant add it to the additionally_allowed_tenants when creating the credential, "+
				"or add \"*\" to additionally_allowed_tenants to allow acquiring tokens for any tenant.", excerpt.Name(asked))}}
	}
	token, err := c.next.GetToken(ctx, o)
	if err != nil {
		return azcore.AccessToken{}, plainError(err, c.secrets...)
	}
	return token, nil
}
