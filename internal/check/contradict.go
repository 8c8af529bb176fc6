package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

func contradictionRules() []Rule {
	return []Rule{
		{
			ID: "kwargs-refused", Severity: Error, Title: "the backend does not take the kwargs",
			Why:     "The class checks its kwargs when it is constructed, or when it first needs a client. The message is the class's own.",
			Airflow: "The exception ends Airflow when it starts, or is raised at each look-up.",
			Find:    findRefused,
		},
		{
			ID: "kwarg-ignored", Severity: Warning, Title: "a kwarg of another way to sign in is ignored",
			Why:     "auth_type chooses how VaultBackend signs in to Vault, and each way reads its own kwargs only. Without auth_type it is token.",
			Airflow: "VaultBackend signs in without the kwarg, and says nothing of it.",
			Find:    findIgnored,
		},
		{
			ID: "kwargs-contradict", Severity: Warning, Title: "kwargs contradict each other, or one is missing beside another",
			Why:     "Two kwargs say the same in two ways, and one of them counts; or a kwarg counts only together with another that is not there.",
			Airflow: "The class is constructed without a word. Of two kwargs it uses one. Of a part without the other it makes nothing, and may take the credentials that the machine has; or it uses the part alone, and each look-up fails.",
			Find:    findContradictions,
		},
	}
}

func findRefused(s *Subject, report Report) {
	for _, b := range s.Backends {
		v := verdict(b)
		err, what := v.Raised, " Airflow does not start."
		if b.Section == "workers" {
			what = " Each task that asks for a secret ends so."
		}
		if err == nil {
			err, what = v.Broken, " Each look-up ends so."
		}
		if err == nil {
			findUnsendable(b, report)
			continue
		}
		if hasUnknown(b) {
			continue // none, or that of the kwarg which another rule reports
		}
		if text, ok := b.Text("gcp_keyfile_dict"); ok && strings.HasPrefix(strings.TrimSpace(text), "{") || placeholderIn(b) || strings.Contains(err.Error(), "should follows that pattern") {
			continue // found by another rule
		}
		absent := strings.Contains(raised(err), "authentication type requires")
		if absent && b.Environment.Open {
			continue // a variable may give it
		}
		message := strings.TrimRight(told(raised(err)), ".")
		f := Finding{Span: b.At(refusedKwarg(b, message)), Message: last(b.Row.Class) + " refuses its kwargs: " + message,
			Airflow: message + "." + what, Fix: remedy(message, err)}
		if absent && b.Environment.Hosted {
			f.Severity = Warning // as may the place where it runs
		}
		report(f)
	}
}

// refusedKwarg is the kwarg that an exception is about; "" where it cannot be
// told.
func refusedKwarg(b *Backend, message string) string {
	for _, about := range []struct{ text, kwarg string }{
		{"authentication type", "auth_type"}, {"auth_type is not", "auth_type"}, {"The version is not", "kv_engine_version"},
		{"mutually exclusive", "gcp_keyfile_dict"}, {"mutually exclusive", "gcp_key_path"},
	} {
		if strings.Contains(message, about.text) && b.Has(about.kwarg) {
			return about.kwarg
		}
	}
	return namedIn(b.Object, message)
}

// quotedNames are names in single quotes.
var quotedNames = lazyregexp.New(`'([a-z_]+)'`)

// remedy says what to write instead.
func remedy(message string, err error) string {
	names := quotedNames.FindAllStringSubmatch(message, -1)
	switch {
	case strings.Contains(message, "authentication type requires") && len(names) > 1:
		return fmt.Sprintf(`"%s": "<%s>"`, names[1][1], strings.ReplaceAll(names[1][1], "_", "-"))
	case strings.Contains(message, "mutually exclusive"):
		return "keep one of gcp_key_path, gcp_keyfile_dict and gcp_credential_config_file"
	}
	return hintOf(err)
}

// hasUnknown tells whether some kwarg is none of the class's: another rule
// reports it, and what was meant by it is not known here.
func hasUnknown(b *Backend) bool {
	return slices.ContainsFunc(b.Object.Keys(), func(name string) bool { return !slices.Contains(b.Row.Kwargs, name) })
}

// told leaves out what the exception of hvac says of a request that was none.
func told(message string) string { return strings.TrimSuffix(message, ", on None None") }

// placeholderIn tells whether a placeholder is left in the kwargs that the
// class looks at when it is constructed.
func placeholderIn(b *Backend) bool {
	return b.Kwargs != nil && len(angled.FindString(b.Kwargs.Value)) > 0
}

func findIgnored(s *Subject, report Report) {
	for _, b := range s.Backends {
		if !b.Has("auth_type") && hasUnknown(b) {
			continue // that one may be it
		}
		for _, note := range notes(b) {
			name := namedIn(b.Object, note)
			if name == "" || !slices.Contains(b.Row.Kwargs, name) || !strings.Contains(note, "ignored with auth_type") && !strings.Contains(note, "never read with auth_type") {
				continue
			}
			message, _, _ := strings.Cut(note, ", as Airflow ignores it")
			f := Finding{Span: b.At(name), Message: message, Fix: fmt.Sprintf("remove %q, or set auth_type to the way of signing in that reads it", name)}
			if !b.Has("auth_type") {
				f.Message += ", which is the default"
				f.Fix = fmt.Sprintf("set \"auth_type\" to the way of signing in that reads %q", name)
				if slices.Contains([]string{"role_id", "secret_id"}, name) {
					f.Fix = `"auth_type": "approle"`
				}
			}
			report(f)
		}
	}
}

func findContradictions(s *Subject, report Report) {
	for _, b := range s.Backends {
		for _, note := range notes(b) {
			_, beaten, wins := strings.Cut(note, " over ")
			name := namedIn(b.Object, beaten)
			switch {
			case wins && name != "":
				report(Finding{Span: b.At(name), Message: note, Airflow: "VaultBackend uses the one that wins, and nothing of " + name + ".", Fix: fmt.Sprintf("remove %q, or the other", name)})
			case strings.Contains(note, "count only where"):
				report(Finding{Span: b.At(namedIn(b.Object, note)), Message: note, Airflow: "VaultBackend signs in with the credentials that boto3 finds.", Fix: "give both, or neither"})
			}
		}
		if b.Warning == nil && !elsewhere(b) && !b.Environment.Open && !hasUnknown(b) {
			findHalves(b, report)
		}
	}
}

// half is a kwarg that is of no use without others.
type half struct {
	services []string
	// kwarg is given, and one of needs is not.
	kwarg   string
	needs   []string
	airflow string
	// severity is empty where it is the rule's: something is used instead.
	severity Severity
}

var (
	awsServices = []string{"ssm", "secretsmanager"}
	halves      = []half{
		{[]string{"azure"}, "client_secret", []string{"tenant_id", "client_id"}, "AzureKeyVaultBackend signs in with client_secret only where tenant_id and client_id are given too: it uses DefaultAzureCredential.", ""},
		{[]string{"azure"}, "client_id", []string{"tenant_id", "client_secret"}, "AzureKeyVaultBackend signs in with client_id only where tenant_id and client_secret are given too: it uses DefaultAzureCredential.", ""},
		{awsServices, "aws_access_key_id", []string{"aws_secret_access_key"}, "boto3 signs each request with this id and no key.", Error},
		{awsServices, "aws_secret_access_key", []string{"aws_access_key_id"}, "Each look-up raises TypeError: sequence item 0: expected str instance, NoneType found.", Error},
		{awsServices, "assume_role_kwargs", []string{"role_arn"}, "Without role_arn no role is assumed.", ""},
		{awsServices, "assume_role_method", []string{"role_arn"}, "Without role_arn no role is assumed.", ""},
		{[]string{"vault"}, "radius_port", []string{"radius_host"}, "Without radius_host the port is not used.", ""},
	}
)

func findHalves(b *Backend, report Report) {
	for _, h := range halves {
		if !slices.Contains(h.services, b.Row.Service) || !truthy(b, h.kwarg) {
			continue
		}
		var missing []string
		for _, need := range h.needs {
			if !truthy(b, need) {
				missing = append(missing, need)
			}
		}
		if missing == nil || h.kwarg == "client_id" && truthy(b, "client_secret") {
			continue
		}
		list := strings.Join(missing, " and ")
		report(Finding{Severity: h.severity, Span: b.At(h.kwarg), Message: fmt.Sprintf("%s is given without %s", h.kwarg, list), Airflow: h.airflow,
			Fix: fmt.Sprintf("give %s too, or remove %s", list, h.kwarg)})
	}
	if method, _ := b.Text("auth_type"); b.Row.Service == "vault" && method == "approle" && truthy(b, "role_id") && !truthy(b, "secret_id") {
		report(Finding{Span: b.At("role_id"), Message: "role_id is given without secret_id, which an AppRole asks for unless its bind_secret_id is off",
			Airflow: "VaultBackend signs in with secret_id null, which Vault refuses: each look-up raises InvalidRequest.", Fix: `"secret_id": "<secret-id>"`})
	}
	if method, _ := b.Text("auth_type"); b.Row.Service == "vault" && (method == "userpass" || method == "ldap") && !(truthy(b, "username") && truthy(b, "password")) {
		report(Finding{Span: b.At("auth_type"), Message: "auth_type " + method + " needs username and password",
			Airflow: "VaultBackend signs in without them, which Vault refuses.", Fix: `"username": "<user>", "password": "<password>"`})
	}
}

// truthy tells whether a kwarg is given and not empty.
func truthy(b *Backend, name string) bool {
	v, _ := b.Object.Get(name)
	return pyjson.Truthy(v)
}
