package azurestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/airlock-secrets/airlock/store"
)

// metadataAddress is where a virtual machine finds its metadata service.
const metadataAddress = "http://169.254.169.254"

// identityEndpoint is a service that gives out tokens of the machine's own
// identity.
type identityEndpoint struct {
	login  *login
	method string
	url    string
	header http.Header
	query  url.Values // in a POST: the form
	// named is the variable that names url; "" where none does.
	named string
	// probe is set where nobody knows whether the service is there.
	probe bool
}

// managedIdentity is ManagedIdentityCredential: which service it asks is in
// the environment. client is empty for the machine's own identity.
func (l *login) managedIdentity(client, tenant string, allowed []string, wanted string) (azcore.TokenCredential, error) {
	get := l.env.get
	identity := &identityEndpoint{login: l, method: http.MethodGet, header: http.Header{}, query: url.Values{}}
	if client != "" {
		identity.query.Set("client_id", client)
	}
	switch {
	case get("IDENTITY_ENDPOINT") != "" && get("IDENTITY_HEADER") != "" && get("IDENTITY_SERVER_THUMBPRINT") != "":
		return missing{"airlock does not speak to the managed identity service of Service Fabric"}, nil
	case get("IDENTITY_ENDPOINT") != "" && get("IDENTITY_HEADER") != "": // App Service
		identity.url, identity.named = get("IDENTITY_ENDPOINT"), "IDENTITY_ENDPOINT"
		identity.header.Set("X-IDENTITY-HEADER", get("IDENTITY_HEADER"))
		identity.header.Set("Metadata", "true")
		identity.query.Set("api-version", "2019-08-01")
	case get("IDENTITY_ENDPOINT") != "" && get("IMDS_ENDPOINT") != "":
		return missing{"airlock does not speak to the managed identity service of Azure Arc"}, nil
	case get("IDENTITY_ENDPOINT") != "":
		return missing{"IDENTITY_ENDPOINT is set without IDENTITY_HEADER"}, nil
	case get("MSI_ENDPOINT") != "" && get("MSI_SECRET") != "": // Azure ML
		identity.url, identity.named = get("MSI_ENDPOINT"), "MSI_ENDPOINT"
		identity.header.Set("secret", get("MSI_SECRET"))
		identity.query.Set("api-version", "2017-09-01")
		if client != "" {
			identity.query.Del("client_id")
			identity.query.Set("clientid", client)
		}
	case get("MSI_ENDPOINT") != "": // Cloud Shell
		identity.url, identity.named, identity.method = get("MSI_ENDPOINT"), "MSI_ENDPOINT", http.MethodPost
		identity.header.Set("Metadata", "true")
	case get("AZURE_AUTHORITY_HOST") != "" && get("AZURE_TENANT_ID") != "" && get("AZURE_FEDERATED_TOKEN_FILE") != "" && wanted == "" && client != "":
		return l.workload(get("AZURE_TENANT_ID"), client, get("AZURE_FEDERATED_TOKEN_FILE"), allowed)
	default: // a virtual machine
		host, given := l.env.lookup("AZURE_POD_IDENTITY_AUTHORITY_HOST")
		if !given {
			host = metadataAddress
		}
		if host = strings.Trim(host, "/"); host != metadataAddress {
			identity.named = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
		}
		identity.url = host + "/metadata/identity/oauth2/token"
		identity.header.Set("Metadata", "true")
		identity.query.Set("api-version", "2018-02-01")
		identity.probe = !given && wanted != "managedidentitycredential"
	}
	if l.env.Confined != nil {
		return missing{"airlock withholds the identity of this machine"}, nil
	}
	return identity, nil
}

// GetToken implements azcore.TokenCredential. The tenant is the machine's,
// whatever the vault says. Every failure lets the chain go on.
func (e *identityEndpoint) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if e.probe {
		if err := e.reachable(ctx); err != nil {
			return azcore.AccessToken{}, err
		}
	}
	query := url.Values{}
	for name, values := range e.query {
		query[name] = values
	}
	query.Set("resource", strings.TrimSuffix(o.Scopes[0], "/.default"))
	res, err := e.login.retry(ctx, func() (*http.Response, error) { return e.once(ctx, query) })
	if err != nil {
		return azcore.AccessToken{}, &unavailable{"the managed identity endpoint does not answer: " + err.Error()}
	}
	return readToken(res)
}

// reachable is whether something answers at all, so that the chain does not
// wait for a machine that is not in Azure.
func (e *identityEndpoint) reachable(ctx context.Context) error {
	const patience = time.Second
	u, err := url.Parse(e.url)
	if err == nil {
		var conn net.Conn
		host := u.Host
		if u.Port() == "" {
			host = net.JoinHostPort(u.Hostname(), "80")
		}
		if conn, err = (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", host); err == nil {
			return conn.Close()
		}
	}
	return &unavailable{"no response from the metadata service of a virtual machine"}
}

func (e *identityEndpoint) once(ctx context.Context, query url.Values) (*http.Response, error) {
	u, err := url.Parse(e.url)
	if err != nil || u.Host == "" {
		return nil, finalError{errors.New("its address is not a URL")}
	}
	form := ""
	if e.method == http.MethodPost {
		form = query.Encode()
	} else {
		given := u.Query()
		for name, values := range query {
			given[name] = values
		}
		u.RawQuery = given.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, e.method, u.String(), strings.NewReader(form))
	if err != nil {
		return nil, finalError{errors.New("its address is not a URL")}
	}
	req.Header = e.header.Clone()
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return exchange(e.login.http, req, e.login.timeout)
}

// readToken reads the answer of a managed identity service: seconds are
// numbers or text.
func readToken(res *http.Response) (azcore.AccessToken, error) {
	var in struct {
		AccessToken string `json:"access_token"`
		ExpiresOn   any    `json:"expires_on"`
		ExpiresIn   any    `json:"expires_in"`
	}
	body, err := readBounded(res.Body)
	if err != nil || json.Unmarshal(body, &in) != nil {
		return azcore.AccessToken{}, &unavailable{fmt.Sprintf("the managed identity endpoint answers with status %d and no JSON", res.StatusCode)}
	}
	if in.AccessToken == "" {
		return azcore.AccessToken{}, &unavailable{fmt.Sprintf("the managed identity endpoint gives no token (status %d): check IDENTITY_HEADER and the client id", res.StatusCode)}
	}
	expires := time.Now()
	if n, ok := seconds(in.ExpiresOn); ok {
		expires = time.Unix(n, 0)
	} else if n, ok := seconds(in.ExpiresIn); ok {
		expires = expires.Add(time.Duration(n) * time.Second)
	} else {
		return azcore.AccessToken{}, &store.Error{Code: store.Corrupt, Err: errors.New("the managed identity endpoint does not say how long its token is good")}
	}
	return azcore.AccessToken{Token: in.AccessToken, ExpiresOn: expires}, nil
}

func seconds(v any) (int64, bool) {
	switch v := v.(type) {
	case float64:
		return int64(v), true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}
