package gcpstore

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// metadataServer is google.auth.compute_engine.Credentials: the machine's own
// account.
type metadataServer struct {
	env Env
}

// host is where the server is.
func (m *metadataServer) host() string {
	if h := m.env.first("GCE_METADATA_HOST", "GCE_METADATA_ROOT"); h != "" {
		return h
	}
	return "metadata.google.internal"
}

// ip is where the server is looked for.
func (m *metadataServer) ip() string {
	if v, ok := m.env.lookup("GCE_METADATA_IP"); ok {
		return v
	}
	return "169.254.169.254"
}

// errNoDefault is what google.auth.default raises in the end.
var errNoDefault = python("DefaultCredentialsError", "Your default credentials were not found. To set up Application Default Credentials, "+
	"see https://cloud.google.com/docs/authentication/external/set-up-adc for more information.")

// present asks whether there is a metadata server, three times at most
// (google.auth.compute_engine._metadata.ping).
func (m *metadataServer) present(ctx context.Context, w *web) error {
	tries := number(m.env.get("GCE_METADATA_DETECT_RETRIES"), 3)
	for range tries {
		a, err := m.ask(ctx, w, "http://"+m.ip(), "looking for a metadata server")
		if err == nil {
			if a.status == http.StatusOK && a.header.Get("Metadata-Flavor") == "Google" {
				return nil
			}
			break
		}
		if withheld(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return &brokenError{python: python("AttributeError", noCredentials), why: errNoDefault}
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return min(max(n, 0), 100)
	}
	return otherwise
}

// ask sends one request that must be answered soon.
func (m *metadataServer) ask(ctx context.Context, w *web, address, what string) (*answer, error) {
	if c := m.env.Confined; c != nil {
		return nil, c.Withhold("the account of this machine")
	}
	seconds := number(m.env.get("GCE_METADATA_TIMEOUT"), 3)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(seconds, 1))*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &tokenError{what: what, cause: errors.New("GCE_METADATA_HOST is no address")}
	}
	req.Header.Set("Metadata-Flavor", "Google")
	return w.do(req, what)
}

func (m *metadataServer) token(ctx context.Context, w *web, scopes []string) (access, error) {
	if err := m.present(ctx, w); err != nil {
		return access{}, err
	}
	if scopes == nil {
		scopes = []string{cloudScope}
	}
	const what = "asking the metadata server for one"
	query := url.Values{"scopes": {strings.Join(scopes, ",")}}
	a, err := m.ask(ctx, w, "http://"+m.host()+"/computeMetadata/v1/instance/service-accounts/default/token?"+query.Encode(), what)
	if err != nil {
		return access{}, err
	}
	return w.tokenOf(a, what)
}

// project is the machine's, "" where the server names none.
func (m *metadataServer) project(ctx context.Context, w *web) string {
	a, err := m.ask(ctx, w, "http://"+m.host()+"/computeMetadata/v1/project/project-id", "asking the metadata server for the project")
	if err != nil || a.status != http.StatusOK || len(a.body) > 100 {
		return ""
	}
	return string(a.body)
}
