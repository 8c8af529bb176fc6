package azurestore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// unavailable is a credential that has nothing to log in with: the chain goes
// on to the next (CredentialUnavailableError).
type unavailable struct{ reason string }

func (e *unavailable) Error() string { return e.reason }

// missing is a credential of the chain that cannot be had.
type missing struct{ reason string }

// GetToken implements azcore.TokenCredential.
func (m missing) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, &unavailable{m.reason}
}

// link is one credential of the chain, by the name of its class.
type link struct {
	class      string
	credential azcore.TokenCredential
	// developer is set for a program's log-in, whose every failure lets the
	// chain go on.
	developer bool
}

// chain is DefaultAzureCredential: the first credential that gives a token is
// kept.
type chain struct {
	links []link
	// confined is not nil where the machine and its programs are not asked.
	confined *route.Confinement

	mu  sync.Mutex
	won azcore.TokenCredential
}

// links, in DefaultAzureCredential's order, to the value of
// AZURE_TOKEN_CREDENTIALS that selects one. The shared token cache (Windows),
// Visual Studio Code and the broker need what airlock cannot have, as on any
// server; the browser is excluded by default.
var chainOrder = []struct{ class, group string }{
	{"EnvironmentCredential", "prod"}, {"WorkloadIdentityCredential", "prod"}, {"ManagedIdentityCredential", "prod"},
	{"VisualStudioCodeCredential", "dev"}, {"AzureCliCredential", "dev"}, {"AzurePowerShellCredential", "dev"}, {"AzureDeveloperCliCredential", "dev"},
}

// defaultChain is DefaultAzureCredential.__init__ as AzureKeyVaultBackend calls
// it.
func (l *login) defaultChain(o *Options) (azcore.TokenCredential, error) {
	wanted := wantedCredentials(l.env)
	c := &chain{confined: l.env.Confined}
	classes, known := chainOf(wanted)
	for _, class := range classes {
		link, err := l.link(class, o, wanted)
		if err != nil {
			return nil, err
		}
		c.links = append(c.links, link)
	}
	if !known {
		return nil, &store.Error{Code: store.Invalid, Hint: "correct AZURE_TOKEN_CREDENTIALS",
			Err: &airflow.Error{Type: "ValueError", Message: fmt.Sprintf("Invalid value for AZURE_TOKEN_CREDENTIALS: %s. Valid values are: dev, prod, azureclicredential, "+
				"azuredeveloperclicredential, azurepowershellcredential, environmentcredential, interactivebrowsercredential, "+
				"managedidentitycredential, visualstudiocodecredential, workloadidentitycredential.", excerpt.Name(wanted))}}
	}
	return c, nil
}

// wantedCredentials is AZURE_TOKEN_CREDENTIALS.
func wantedCredentials(env Env) string {
	return strings.ToLower(strings.TrimSpace(env.get("AZURE_TOKEN_CREDENTIALS")))
}

// chainOf are the classes that are wanted, in the chain's order; known is
// false where nobody knows what is meant.
func chainOf(wanted string) (classes []string, known bool) {
	known = wanted == "" || wanted == "dev" || wanted == "prod" || wanted == "interactivebrowsercredential"
	for _, entry := range chainOrder {
		single := strings.ToLower(entry.class)
		known = known || wanted == single
		if wanted == "" || wanted == entry.group || wanted == single {
			classes = append(classes, entry.class)
		}
	}
	return classes, known
}

// identity is who the workload and the managed identity are.
func (o *Options) identity() (client, tenant string, allowed []string) {
	if o.ManagedIdentityClientID != "" && o.WorkloadIdentityTenantID != "" {
		return o.ManagedIdentityClientID, o.WorkloadIdentityTenantID, []string{o.WorkloadIdentityTenantID}
	}
	return o.Env.get("AZURE_CLIENT_ID"), o.Env.get("AZURE_TENANT_ID"), nil
}

// link builds one credential of the chain.
func (l *login) link(class string, o *Options, wanted string) (link, error) {
	identity, tenant, allowed := o.identity()
	made := link{class: class}
	var err error
	switch class {
	case "EnvironmentCredential":
		made.credential, err = l.environment()
	case "WorkloadIdentityCredential":
		file := l.env.get("AZURE_FEDERATED_TOKEN_FILE")
		if identity == "" || tenant == "" || file == "" {
			made.credential = missing{"tenant, client id and AZURE_FEDERATED_TOKEN_FILE are not all set"}
			break
		}
		// Only an unusable tenant fails here, which Python puts off.
		if made.credential, err = l.workload(tenant, identity, file, allowed); err != nil && !withheld(err) {
			made.credential, err = missing{err.Error()}, nil
		}
	case "ManagedIdentityCredential":
		made.credential, err = l.managedIdentity(identity, tenant, allowed, wanted)
	default:
		made.credential, made.developer = l.developer(class), true
	}
	return made, err
}

// environmentProof is the variable by which EnvironmentCredential proves who
// asks; "" where not all that it needs is set. Variables that are set count
// even where they are empty.
func environmentProof(env Env) string {
	set := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { _, ok := env.lookup(name); return !ok })
	}
	switch {
	case set("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
		return "AZURE_CLIENT_SECRET"
	case set("AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_TENANT_ID"):
		return "AZURE_CLIENT_CERTIFICATE_PATH"
	case set("AZURE_CLIENT_ID", "AZURE_USERNAME", "AZURE_PASSWORD"):
		return "AZURE_PASSWORD"
	}
	return ""
}

// environment is EnvironmentCredential.
func (l *login) environment() (azcore.TokenCredential, error) {
	switch get := l.env.get; environmentProof(l.env) {
	case "AZURE_CLIENT_SECRET":
		return l.clientSecret(get("AZURE_TENANT_ID"), get("AZURE_CLIENT_ID"), get("AZURE_CLIENT_SECRET"))
	case "AZURE_CLIENT_CERTIFICATE_PATH":
		return l.certificate(get("AZURE_TENANT_ID"), get("AZURE_CLIENT_ID"), get("AZURE_CLIENT_CERTIFICATE_PATH"), get("AZURE_CLIENT_CERTIFICATE_PASSWORD"))
	case "AZURE_PASSWORD":
		return nil, &store.Error{Code: store.Unsupported, Err: errors.New("airlock does not log in to Azure with AZURE_USERNAME and AZURE_PASSWORD, which Microsoft has given up"),
			Hint: "set AZURE_CLIENT_SECRET, or unset them"}
	}
	return missing{"AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET are not all set"}, nil
}

// GetToken implements azcore.TokenCredential.
func (c *chain) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.won != nil {
		return c.won.GetToken(ctx, o)
	}
	failed := &chainError{}
	for _, l := range c.links {
		token, err := l.credential.GetToken(ctx, o)
		if err == nil {
			c.won = l.credential
			return token, nil
		}
		if ctx.Err() != nil {
			return azcore.AccessToken{}, ctx.Err()
		}
		reason := err
		if l.developer {
			reason = developerError(err)
		}
		failed.attempts = append(failed.attempts, attempt{l.class, reason})
		var none *unavailable
		if !l.developer && !errors.As(err, &none) {
			return azcore.AccessToken{}, failed
		}
	}
	if c.confined != nil {
		return azcore.AccessToken{}, c.confined.Withhold("your Azure login")
	}
	return azcore.AccessToken{}, failed
}

// developerError keeps the first line of what a program says.
func developerError(err error) error {
	var none *unavailable
	if errors.As(err, &none) {
		return err
	}
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return errors.New(store.Clip(line))
}

// attempt is what one credential of the chain answered.
type attempt struct {
	class string
	err   error
}

// chainError is that no credential of the chain gave a token.
type chainError struct{ attempts []attempt }

func (e *chainError) Error() string {
	var b strings.Builder
	b.WriteString("DefaultAzureCredential failed to retrieve a token from the included credentials. Attempted credentials:")
	for i, a := range e.attempts {
		if i > 0 {
			b.WriteString(";")
		}
		fmt.Fprintf(&b, " %s: %v", a.class, a.err)
	}
	return b.String()
}

// Unwrap gives the error at which the chain stopped.
func (e *chainError) Unwrap() error {
	if len(e.attempts) == 0 {
		return nil
	}
	return e.attempts[len(e.attempts)-1].err
}
