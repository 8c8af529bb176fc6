package check

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
)

func azureRules() []Rule {
	return []Rule{{
		ID: "azure-name-illegal", Severity: Error,
		Title: "a name that Key Vault cannot hold",
		Why: "The name of a secret has 1 to 127 letters of ASCII, digits and dashes. The backend replaces underscores by sep and nothing " +
			"else: neither slashes nor dots.",
		Airflow: "The backend logs the warning \"Secret name ... is not valid. Azure Key Vault secret names must be 1-127 characters long and " +
			"contain only alphanumeric characters and dashes.\", asks nothing and answers None.",
		Find: findIllegalAzure,
	}, {
		ID: "azure-ids-collide", Severity: Warning,
		Title: "two ids are one secret in Key Vault",
		Why: "The backend writes each underscore as sep (with an empty sep it drops them), and Key Vault does not tell upper from lower " +
			"case, so that several ids can end at one secret.",
		Airflow: "Both ids lead to the same secret and get the same value.",
		Find:    findCollidingAzure,
	}, {
		ID: "azure-vault-url", Severity: Error,
		Title: "vault_url is not the address of a Key Vault",
		Why:   "The address is https://NAME.vault.azure.net, with the scheme and without a path: the Vault URI of the overview page.",
		Airflow: "The client is made at the first look-up, which fails there (without an address: \"ValueError: vault_url must be the URL of an " +
			"Azure Key Vault\"; without https: \"Bearer token authentication is not permitted for non-TLS protected (non-https) URLs.\") or finds " +
			"nothing: Airflow logs it (for connections at debug level only) and asks the next layer.",
		Find: findVaultURL,
	}}
}

func findIllegalAzure(s *Subject, report Report) {
	for _, n := range namings(s) {
		if n.Row.Service != "azure" {
			continue
		}
		illegalPrefixes(n, report, "connections_prefix", "variables_prefix", "config_prefix", "sep")
		illegalIDs(s, n, report)
		illegalWrites(s, n, report)
	}
}

func findCollidingAzure(s *Subject, report Report) {
	for _, n := range namings(s) {
		if n.Row.Service == "azure" {
			collide(usesOf(s), func(ref airflow.Ref) string { return strings.ToLower(n.remote(ref.Kind, ref.ID)) }, report)
		}
	}
}

func findVaultURL(s *Subject, report Report) {
	for _, b := range s.Backends {
		kwargs := meantKwargs(b)
		if b.Row.Service != "azure" || kwargs == nil || b.Kwargs == nil {
			continue
		}
		v, given := kwargs.Get("vault_url")
		text, isText := v.(string)
		message, better := "", ""
		switch {
		case !given || text == "" && (isText || v == nil):
			message, better = "vault_url is missing", "https://<name>.vault.azure.net"
		case isText && !strings.ContainsAny(text, "<>$"):
			message, better = wrongVaultURL(text)
		}
		if message == "" {
			continue
		}
		f := Finding{Span: b.At("vault_url"), Message: message, Fix: fmt.Sprintf(`"vault_url": "%s"`, better)}
		if at, ok := b.valueAt("vault_url"); ok && strings.HasPrefix(text, "http") && !strings.Contains(better, "<") {
			f.Edits = []Edit{{Span: at, New: better}}
		}
		report(f)
	}
}

// wrongVaultURL says what is wrong with an address and which was meant; the
// message is empty where nothing is.
func wrongVaultURL(text string) (message, better string) {
	trimmed := strings.Trim(text, " /")
	scheme, rest, ok := strings.Cut(trimmed, "://")
	if !ok {
		scheme, rest = "", trimmed
	}
	host, path, _ := strings.Cut(rest, "/")
	if strings.Contains(host, "@") {
		return "", "" // not to be repeated
	}
	if !strings.ContainsAny(host, ".:") && host != "localhost" {
		host += ".vault.azure.net"
	}
	better = "https://" + host
	if u, err := url.Parse(better); err != nil || u.Host == "" {
		return "", ""
	}
	switch {
	case host == "portal.azure.com":
		return "vault_url is a page of the Azure portal", "https://<name>.vault.azure.net"
	case scheme == "":
		return "vault_url has no scheme: it begins with https://", better
	case !strings.EqualFold(scheme, "https"):
		return fmt.Sprintf("vault_url begins with %s://, and the client sends no token without TLS", scheme), better
	case path != "":
		return "vault_url goes on after the host: the client puts /secrets/NAME behind it", better
	}
	return "", ""
}
