package azurestore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/airlock-secrets/airlock/store"
)

var _ store.Prober = (*Store)(nil)

// peekPages is how many pages of 25 names Peek looks at.
const peekPages = 8

// Calls implements store.Prober.
func (s *Store) Calls(ask store.Ask, names ...string) []store.Call {
	var calls []store.Call
	add := func(method, name, when string) {
		calls = append(calls, store.Call{Method: method, Name: name, When: when})
	}
	switch ask {
	case store.AskService:
		add("GET", "the vault's challenge, which says where to log in", "")
		add("POST", "token of the login service or the managed identity", "")
		if len(names) == 0 {
			add("GET", "secrets", "")
		}
	case store.AskGet:
		for _, name := range names {
			add("GET", "secrets/"+name, "")
		}
	case store.AskPeek:
		add("GET", "secrets", "")
		add("GET", "secrets", fmt.Sprintf("there are more than 25: up to %d pages", peekPages))
	}
	return calls
}

// Probe implements store.Prober. A caller who may read but not list is well;
// where names are asked for, reading them shows all there is to see.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	if len(names) > 0 {
		_, err := s.ready(ctx)
		return nil, s.fail("check", "", err)
	}
	return nil, s.Check(ctx)
}

// Explain implements store.Prober, from what the vault has said already.
func (s *Store) Explain(_ context.Context, name string, err error) *store.Symptom {
	var e *ResponseError
	if !errors.As(err, &e) || e.login {
		return nil
	}
	vault := s.vaultName()
	switch {
	case e.Inner == "SecretDisabled":
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name, Text: fmt.Sprintf("the secret %q is there, but its latest version is disabled", name),
			Fix: fmt.Sprintf("az keyvault secret set-attributes --vault-name %s --name %s --enabled true", vault, name)}
	case e.Inner == "ForbiddenByFirewall":
		return &store.Symptom{Topic: store.TopicPermission, Blames: true, Text: "the vault's firewall does not let this address in",
			Fix: fmt.Sprintf("az keyvault network-rule add --name %s --ip-address ADDRESS", vault)}
	case e.code() != store.Denied:
		return nil
	}
	denied := &store.Symptom{Topic: store.TopicPermission, Name: name, Text: fmt.Sprintf("the identity may not get the secret %q of the vault %s", name, vault)}
	caller := e.caller
	switch {
	case e.Inner == "AccessDenied" || e.Inner == "ForbiddenByPolicy":
		who := "--spn CLIENT_ID"
		if caller.object != "" {
			who = "--object-id " + caller.object
		} else if caller.application != "" {
			who = "--spn " + caller.application
		}
		denied.Fix = fmt.Sprintf("az keyvault set-policy --name %s %s --secret-permissions get", vault, who)
	default:
		who := "CLIENT_ID"
		for _, known := range []string{caller.object, caller.application, s.options.ClientID} {
			if known != "" {
				who = known
				break
			}
		}
		scope := caller.resource
		if scope == "" {
			scope = fmt.Sprintf("$(az keyvault show --name %s --query id -o tsv)/secrets/%s", vault, name)
		}
		denied.Fix = fmt.Sprintf("az role assignment create --role \"Key Vault Secrets User\" --assignee %s --scope %q", who, scope)
	}
	return denied
}

// vaultName is the first label of the vault's host.
func (s *Store) vaultName() string {
	u, err := url.Parse(s.options.base())
	if err != nil {
		return "VAULT"
	}
	name, _, _ := strings.Cut(u.Hostname(), ".")
	return name
}

// caller is what a refusal says of who asked for what.
type caller struct{ application, object, resource string }

// Of Key Vault's message, whose lines are "Caller: appid=...;oid=...;iss=..."
// and "Resource: '/subscriptions/...'".
var (
	callerApplication = regexp.MustCompile(`appid=([0-9a-fA-F-]{36})\b`)
	callerObject      = regexp.MustCompile(`oid=([0-9a-fA-F-]{36})\b`)
	callerResource    = regexp.MustCompile(`Resource: '(/subscriptions/[A-Za-z0-9/._()-]{1,400})'`)
)

func callerOf(message string) caller {
	first := func(re *regexp.Regexp) string {
		if m := re.FindStringSubmatch(message); m != nil {
			return m[1]
		}
		return ""
	}
	return caller{first(callerApplication), first(callerObject), first(callerResource)}
}

// Peek implements store.Prober: the first pages of the vault, with disabled
// secrets.
func (s *Store) Peek(ctx context.Context, prefix string) ([]string, error) {
	names, _, err := s.names(ctx, prefix, peekPages, listedName)
	if err != nil {
		return nil, s.fail("list", prefix, err)
	}
	return names, nil
}

// listedName is the name in a listed id, of a disabled secret too.
func listedName(p *azsecrets.SecretProperties) (string, bool) {
	if p == nil || p.ID == nil {
		return "", false
	}
	return p.ID.Name(), true
}
