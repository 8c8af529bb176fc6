package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/project"
)

// TestVaultGrants asks a real server what a token with the policy may do.
func TestVaultGrants(t *testing.T) {
	server := baotest.Start(t)
	paths := []string{
		"secret/data/variables/x", "secret/data/variables", "secret/data/variables/a/b", "secret/data/connections/x",
		"secret/variables/x", "airflow/data/variables/x", "secret/metadata/variables/x",
	}
	for i, policy := range []string{
		"secret/data/variables/*=read",
		"secret/data/variables/*=read,list secret/data/connections/*=read",
		"secret/*=read",
		"secret/data/*=read secret/data/variables/*=list",
		"secret/data/*=read secret/data/variables/x=deny",
		"secret/data/variables/x=list secret/data/variables/*=read",
		"secret/+/variables/*=read",
		"secret/+/variables/x=read secret/data/variables/*=list",
		"+/data/variables/+=read",
		"secret/data/+/x=read secret/data/variables/+=list",
		"secret/+/+/x=read secret/+/variables/*=list",
		"secret/data/var*=read",
		"secret/data/variables=read",
		"/secret/data/variables/*=read",
		"*=read secret/data/variables/*=deny",
		"secret/data/variables/*=read secret/data/variables/*=list",
		"secret/data/variables/*=read,create,update",
		"secret/*/variables/x=read",
		"secret/data/variables/+/b=read secret/data/variables/a/*=list",
		"+/+/variables/*=read secret/+/variables/x=list",
	} {
		name := fmt.Sprintf("p%d", i)
		p := policyOf(policy)
		server.MustDo(t, "PUT", "/v1/sys/policies/acl/"+name, map[string]any{"policy": hclOf(p)})
		auth := server.MustDo(t, "POST", "/v1/auth/token/create", map[string]any{"policies": []string{name}, "no_default_policy": true})
		token, _ := auth["auth"].(map[string]any)["client_token"].(string)
		for _, path := range paths {
			answer := server.MustDo(t, "POST", "/v1/sys/capabilities", map[string]any{"token": token, "paths": []string{path}})
			data, _ := answer["data"].(map[string]any)
			have, _ := data[path].([]any)
			for _, capability := range []string{"read", "list", "update"} {
				want := slices.Contains(have, any(capability))
				if got := vaultGrants(p, path, capability); got != want {
					t.Errorf("%s on %s with %s: %v, the server says %v", capability, path, policy, got, want)
				}
			}
		}
	}
}

// policyOf reads "PATH=CAPABILITY,CAPABILITY ...".
func policyOf(text string) *project.Policy {
	p := &project.Policy{Service: "vault"}
	for _, word := range strings.Fields(text) {
		path, list, _ := strings.Cut(word, "=")
		g := project.Grant{Resources: []string{path}, Actions: strings.Split(list, ",")}
		g.Deny = slices.Contains(g.Actions, "deny")
		p.Rules = append(p.Rules, g)
	}
	return p
}

func hclOf(p *project.Policy) string {
	var b strings.Builder
	for _, g := range p.Rules {
		b.WriteString(stanza(g.Resources[0], g.Actions...) + "\n")
	}
	return b.String()
}
