package gcpstore

import (
	"regexp"
	"slices"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
)

// address is one that is asked for a token.
type address struct {
	url string
	// own is set for an address that Google's client library has by itself.
	own bool
	// by names the address; the zero value is the text of the credentials,
	// where it is not the client's own.
	by route.Setting
}

// googleEndpoints are what Google's own key files name, and what its client
// library takes where a file names nothing. They are compared whole: other
// paths of a host of Google's may hand what they get to anybody.
var googleEndpoints = []string{googleTokens, "https://accounts.google.com/o/oauth2/token",
	"https://sts.googleapis.com/v1/token", "https://sts.googleapis.com/v1/oauthtoken"}

// googleImpersonation is IAM's address of one service account.
var googleImpersonation = regexp.MustCompile(`^https://iamcredentials\.googleapis\.com/v1/projects/-/serviceAccounts/[A-Za-z0-9@._-]+:generateAccessToken$`)

// named is an address that credentials name.
func named(url string) address {
	return address{url: url, own: slices.Contains(googleEndpoints, url) || googleImpersonation.MatchString(url)}
}

// addresses implements account: it signs for itself.
func (*serviceAccount) addresses() []address { return nil }

func (*serviceAccount) own() bool { return true }

// grantAddresses are those of a token for another service than the store: a
// service account of Google's own universe then asks its token_uri.
func grantAddresses(a account) []address {
	if service, ok := a.(*serviceAccount); ok && service.universe == DefaultUniverse {
		return []address{named(service.tokenURI)}
	}
	return a.addresses()
}

func (a *userAccount) addresses() []address { return []address{named(a.endpoint)} }

func (*userAccount) own() bool { return true }

func (a *impersonated) addresses() []address {
	iam := address{url: "https://iamcredentials." + a.universe, own: a.universe == DefaultUniverse}
	if a.endpoint != "" {
		iam = named(a.endpoint)
	}
	return append(grantAddresses(a.source), iam)
}

func (a *impersonated) own() bool { return a.source.own() }

func (m *metadataServer) addresses() []address {
	server, detect := address{url: "http://" + m.host(), own: true}, address{url: "http://" + m.ip(), own: true}
	for _, name := range []string{"GCE_METADATA_HOST", "GCE_METADATA_ROOT"} {
		if m.env.get(name) != "" {
			server.own, server.by.Variable = false, name
			break
		}
	}
	if _, given := m.env.lookup("GCE_METADATA_IP"); given {
		detect.own, detect.by.Variable = false, "GCE_METADATA_IP"
	}
	return []address{detect, server}
}

func (*metadataServer) own() bool { return false }

func (a *externalAccount) addresses() []address {
	exchange := named(a.config.TokenURL)
	if exchange.url == "" { // Google's package takes this
		exchange = named("https://sts." + a.config.UniverseDomain + "/v1/token")
	}
	list := []address{exchange}
	if impersonate := a.config.ServiceAccountImpersonationURL; impersonate != "" {
		list = append(list, named(impersonate))
	}
	for _, member := range a.sourceURLs() {
		if url := textOf(a.source, member); url != "" {
			list = append(list, named(url))
		}
	}
	return list
}

// sourceURLs are the members of credential_source whose addresses are asked.
func (a *externalAccount) sourceURLs() []string {
	if a.config.SubjectTokenType != awsToken {
		return []string{"url"}
	}
	var asked []string
	if !a.awsKeys() {
		asked = append(asked, "url")
	}
	if !a.awsRegion() {
		asked = append(asked, "region_url")
	}
	if asked != nil {
		asked = append(asked, "imdsv2_session_token_url")
	}
	return asked
}

func (a *externalAccount) awsKeys() bool {
	return a.env.get("AWS_ACCESS_KEY_ID") != "" && a.env.get("AWS_SECRET_ACCESS_KEY") != ""
}

func (a *externalAccount) awsRegion() bool {
	return a.env.first("AWS_REGION", "AWS_DEFAULT_REGION") != ""
}

// own is true for AWS keys of the environment, and for a token in a file that
// may be read.
func (a *externalAccount) own() bool {
	if a.config.SubjectTokenType == awsToken {
		return a.awsKeys() && a.awsRegion()
	}
	if _, runs := get(a.source, "executable").(*pyjson.Object); runs {
		return false
	}
	file, ok := get(a.source, "file").(string)
	if !ok {
		return false
	}
	f, err := a.env.open(file)
	if err == nil {
		_ = f.Close()
	}
	return !withheld(err)
}
