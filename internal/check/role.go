package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/project"
)

// role is a ready-made grant: a role of Google or Azure, a managed policy of
// AWS, or the list of permissions of a Key Vault access policy.
type role struct {
	// service is "aws", "gcp" or "azure".
	service, name string
	// permissions are those of an access policy for secrets; name is empty
	// then.
	permissions []string
	// scope is what the role is for, where a command says so.
	scope string
	at    project.Span
}

// rolesOf are the roles that the project's commands give.
func rolesOf(s *Subject) []role {
	var list []role
	for _, p := range s.Project.Policies {
		for _, g := range p.Rules {
			if r := roleOf(p.Service, g); r.service != "" {
				list = append(list, r)
			}
		}
	}
	return list
}

// roleOf takes a grant for a role; its service is empty where it is none, but
// a statement of actions.
func roleOf(service string, g project.Grant) role {
	if len(g.Actions) == 0 || g.Deny {
		return role{}
	}
	first := g.Actions[0]
	r := role{service: service, name: first, scope: strings.Join(g.Resources, " "), at: g.Span}
	switch {
	case service == "gcp":
	case service == "aws" && strings.Contains(first, ":policy/"):
		r.name = lastSegment(first)
	case service == "azure" && (strings.ToLower(first) != first || dynamic(first) || strings.Count(first, "-") == 4):
	case service == "azure":
		r.name = ""
		for _, permission := range g.Actions {
			if !strings.Contains(permission, "/") {
				r.permissions = append(r.permissions, strings.ToLower(permission))
			}
		}
	default:
		return role{}
	}
	return r
}

// wideRoles allow more than to read secrets.
var wideRoles = map[string][]string{
	"aws":   {"SecretsManagerReadWrite", "AdministratorAccess", "PowerUserAccess", "AmazonSSMFullAccess"},
	"gcp":   {"roles/secretmanager.admin", "roles/owner", "roles/editor"},
	"azure": {"Key Vault Administrator", "Key Vault Secrets Officer", "Key Vault Contributor", "Key, Secret, & Certificate Management", "Secret Management", "Owner", "Contributor"},
}

// wideFor tells whether a role is too wide for a backend of a service.
func (r role) wideFor(service string) bool {
	if r.service != policyService(service) {
		return false
	}
	switch r.name {
	case "":
		return slices.ContainsFunc(r.permissions, func(p string) bool { return p != "get" && p != "list" })
	case "SecretsManagerReadWrite":
		return service == "secretsmanager"
	case "AmazonSSMFullAccess":
		return service == "ssm"
	case "Owner", "Contributor":
		return r.scope == "" || strings.Contains(r.scope, "Microsoft.KeyVault")
	}
	return slices.Contains(wideRoles[r.service], r.name)
}

// policyService is the service of the policies for a backend's service.
func policyService(service string) string {
	if service == "ssm" || service == "secretsmanager" {
		return "aws"
	}
	return service
}
