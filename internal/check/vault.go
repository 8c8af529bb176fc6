package check

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
)

func vaultRules() []Rule {
	return []Rule{{
		ID: "vault-kv-version", Severity: Error,
		Title: "kv_engine_version is not the version of the mount",
		Why: "The two versions of Vault's key/value engine have different paths: MOUNT/data/NAME and MOUNT/NAME. Airflow does not ask which " +
			"one the mount is; it takes kv_engine_version, 2 where that is not given. (vault secrets enable kv makes version 1.)",
		Airflow: "The backend asks for the path of the other version. Vault answers 404, which is None and a line at debug level, or 403 where " +
			"the policy has the right path only, which is a VaultError in the log (for a connection at debug level only). Either way Airflow goes on " +
			"as if nothing were there.",
		Find: findKVVersion,
	}, {
		ID: "vault-wrong-field", Severity: Error,
		Title: "a secret in Vault lacks the key that Airflow reads",
		Why: "Of a variable or an option the backend reads the key value; of a connection the key conn_uri or else all keys, which then " +
			"must be the fields of a connection.",
		Airflow: "The secret is read and nothing is found in it: a variable or an option without the key is a warning in the log and None, a connection " +
			"is one without a type, or none.",
		Find: findWrongField,
	}, {
		ID: "vault-no-mount", Severity: Warning,
		Title: "mount_point is null, so that ids have to begin with the mount",
		Why: "Without a mount_point the backend takes what stands before the first slash of an id for the mount: secret/my_key is my_key in " +
			"the mount secret.",
		Airflow: "For an id without a slash the backend answers None and asks Vault nothing.",
		Find:    findNoMount,
	}, {
		ID: "vault-namespace", Severity: Error,
		Title: "a Vault with namespaces is asked without one",
		Why: "HCP Vault keeps everything below a namespace, admin to begin with. The backend sends the kwarg namespace; it does not read " +
			"VAULT_NAMESPACE, as the vault command does.",
		Airflow: "Requests carry no X-Vault-Namespace header and go to the root namespace, where neither the log-in nor the mount is: Vault " +
			"refuses them or finds nothing.",
		Find: findNamespace,
	}, {
		ID: "vault-stray-token", Severity: Warning,
		Title: "VAULT_TOKEN is set although the kwargs log in otherwise",
		Why:   "A token in the environment is picked up without being asked for, and outlives the change to another way to log in.",
		Airflow: "The client takes VAULT_TOKEN whatever auth_type is: with auth_type token and no token in the kwargs every look-up uses it; " +
			"other log-ins send it along with their request; where the kwargs have a token, that one is used.",
		Find: findStrayToken,
	}, {
		ID: "vault-endless-secret-id", Severity: Warning,
		Title: "the secret_id of an AppRole never ends",
		Why: "With a secret_id_ttl of 0, which is also the default, and no limit of uses, a secret_id that leaks is good for ever. Give it a life " +
			"of weeks and renew it when the project is deployed.",
		Find: findEndlessSecretID,
	}}
}

// kvVersion is the version with which a backend reads: 2 where the kwarg is
// null, 0 or not there; 0 for what the class refuses.
func (n *naming) kvVersion() int {
	v, _ := n.kwargs.Get("kv_engine_version")
	switch {
	case !pyjson.Truthy(v), pyjson.Str(v) == "2" && pyjson.TypeName(v) == "int":
		return 2
	case pyjson.Str(v) == "1" && pyjson.TypeName(v) == "int":
		return 1
	}
	return 0
}

func findNoMount(s *Subject, report Report) {
	uses := usesOf(s)
	for _, n := range namings(s) {
		if n.Row.Service != "vault" || n.mount != "" || !n.has("mount_point") {
			continue
		}
		f := Finding{Span: n.At("mount_point"), Fix: `"mount_point": "secret"`,
			Message: "mount_point is null: only ids that begin with the mount, such as secret/my_key, are asked for"}
		if i := slices.IndexFunc(uses, func(u usage) bool { return !strings.Contains(u.ref.ID, "/") }); i >= 0 {
			f.Severity = Error
			f.Message = fmt.Sprintf("mount_point is null, but %s:%d asks for the %s %q, which has no mount in front: Vault is not asked for it",
				uses[i].file, uses[i].line, uses[i].ref.Kind, uses[i].ref.ID)
		} else if len(uses) > 0 {
			continue
		}
		report(f)
	}
}

// has tells whether a kwarg is given, of those that are meant.
func (n *naming) has(kwarg string) bool {
	_, ok := n.kwargs.Get(kwarg)
	return ok
}

func findNamespace(s *Subject, report Report) {
	for _, b := range s.Backends {
		kwargs := meantKwargs(b)
		if b.Row.Service != "vault" || kwargs == nil {
			continue
		}
		if v, _ := kwargs.Get("namespace"); pyjson.Truthy(v) {
			continue
		}
		address, _ := kwargs.Get("url")
		text, _ := address.(string)
		at := b.At("url")
		if env := b.Environment.Lookup("VAULT_ADDR"); !pyjson.Truthy(address) && env != nil && env.Known {
			text, at = env.Value, env.Key
		}
		if u, err := url.Parse(text); err == nil && strings.HasSuffix(u.Hostname(), ".hashicorp.cloud") {
			report(Finding{Span: at, Fix: `"namespace": "admin"`, Message: "the address is one of HCP Vault, and the kwargs name no namespace"})
		} else if env := b.Environment.Lookup("VAULT_NAMESPACE"); env != nil && (!env.Known || env.Value != "") {
			f := Finding{Span: env.Key, Fix: `"namespace": "<namespace>"`, Message: "VAULT_NAMESPACE is not read by the backend: the kwargs need the namespace"}
			if env.Known && !strings.ContainsAny(env.Value, "\"\\\n") {
				f.Fix = fmt.Sprintf(`"namespace": "%s"`, env.Value)
			}
			report(f)
		}
	}
}

// logins are the kwargs that belong to one way to log in.
var logins = []string{"role_id", "username", "kubernetes_role", "jwt_role", "jwt_token", "jwt_token_path", "key_id", "assume_role_kwargs", "gcp_key_path", "gcp_keyfile_dict"}

func findStrayToken(s *Subject, report Report) {
	for _, b := range s.Backends {
		kwargs := meantKwargs(b)
		token := b.Environment.Lookup("VAULT_TOKEN")
		if b.Row.Service != "vault" || kwargs == nil || token == nil || token.Known && token.Value == "" {
			continue
		}
		given := func(name string) bool {
			v, _ := kwargs.Get(name)
			return pyjson.Truthy(v)
		}
		auth, _ := b.Text("auth_type")
		own := given("token") || given("token_path")
		f := Finding{Span: token.Key, Fix: "unset VAULT_TOKEN"}
		other := slices.IndexFunc(logins, given)
		switch {
		case auth == "" && !own && other >= 0:
			f.Severity = Error
			f.Message = fmt.Sprintf("the kwargs have %s but no auth_type: Airflow logs in with VAULT_TOKEN instead", logins[other])
			f.Fix = fmt.Sprintf(`"auth_type": "%s"`, loginOf(logins[other]))
		case (auth == "" || auth == "token") && own:
			f.Message = "VAULT_TOKEN is set, but the token of the kwargs is the one that counts"
		case auth == "" || auth == "token" || auth == "azure" || auth == "radius" || auth == "github" && !own:
			continue // these have no other token
		default:
			f.Message = fmt.Sprintf("VAULT_TOKEN is set although auth_type is %s: it is sent along with the log-in", auth)
		}
		report(f)
	}
}

// loginOf is the auth_type that reads a kwarg of logins.
func loginOf(kwarg string) string {
	switch kwarg {
	case "username":
		return "userpass"
	case "kubernetes_role":
		return "kubernetes"
	case "jwt_role", "jwt_token", "jwt_token_path":
		return "jwt"
	case "key_id", "assume_role_kwargs":
		return "aws_iam"
	case "gcp_key_path", "gcp_keyfile_dict":
		return "gcp"
	}
	return "approle"
}

func findEndlessSecretID(s *Subject, report Report) {
	for i := range s.Project.Commands {
		c := &s.Project.Commands[i]
		role, _, ok := approle(c)
		if !ok {
			continue
		}
		ttl, at, hasTTL := pairOf(c, "secret_id_ttl")
		uses, _, hasUses := pairOf(c, "secret_id_num_uses")
		if hasTTL && strings.Trim(ttl, "0smhd") != "" || hasUses && strings.Trim(uses, "0") != "" {
			continue
		}
		f := Finding{Span: at, Fix: "secret_id_ttl=720h",
			Message: fmt.Sprintf("a secret_id of the role %s never ends: secret_id_ttl is 0 and its uses are not limited", role)}
		if !hasTTL {
			f.Span, f.Severity = c.Span, Note
			f.Message = fmt.Sprintf("a secret_id of the role %s never ends: there is no secret_id_ttl", role)
		}
		report(f)
	}
}

// approle is the role that "vault write auth/approle/role/ROLE" makes.
func approle(c *project.Command) (role string, at project.Span, ok bool) {
	if !runs(c, "vault", "write") && !runs(c, "bao", "write") {
		return "", project.Span{}, false
	}
	path, at, ok := argument(c, 2)
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if !ok || len(segments) < 4 || segments[0] != "auth" || segments[len(segments)-2] != "role" || !strings.Contains(path, "approle") {
		return "", project.Span{}, false
	}
	return segments[len(segments)-1], at, true
}

// pairOf is the value of a word NAME=VALUE.
func pairOf(c *project.Command, name string) (value string, at project.Span, ok bool) {
	for _, w := range c.Words {
		if value, ok := strings.CutPrefix(w.Text, name+"="); ok {
			return value, w.Span, true
		}
	}
	return "", project.Span{}, false
}
