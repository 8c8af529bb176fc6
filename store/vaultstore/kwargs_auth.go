package vaultstore

import (
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// method is the auth_type's; check has passed.
func (k kwargReader) method() Method {
	mount := pyText(k.truthy("auth_mount_point"))
	switch k.authType() {
	case "approle":
		return AppRole{RoleID: jsonValue{k.value("role_id")}, SecretID: jsonValue{k.value("secret_id")}, Mount: mount}
	case "aws_iam":
		return k.awsIAM(mount)
	case "azure":
		return Azure{TenantID: k.value("azure_tenant_id"), Resource: k.value("azure_resource"),
			ClientID: k.value("key_id"), ClientSecret: k.value("secret_id"), Mount: mount}
	case "gcp":
		return k.gcp(mount)
	case "github":
		return GitHub{Token: k.truthy("token"), Mount: mount}
	case "jwt":
		return JWT{Role: k.value("jwt_role"), Token: k.truthy("jwt_token"), Path: pyText(k.truthy("jwt_token_path")), Mount: mount}
	case "kubernetes":
		return Kubernetes{Role: k.value("kubernetes_role"), Path: pyText(k.truthy("kubernetes_jwt_path")), Mount: mount}
	case "ldap":
		return LDAP{Username: pyjson.Str(k.value("username")), Password: k.value("password"), Mount: mount}
	case "radius":
		return RADIUS{Host: k.value("radius_host"), Secret: k.value("radius_secret"), Port: k.value("radius_port"), Mount: mount}
	case "userpass":
		return Userpass{Username: pyjson.Str(k.value("username")), Password: k.value("password"), Mount: mount}
	}
	return Token{Token: pyText(k.truthy("token")), Path: pyText(k.truthy("token_path"))}
}

// value is a member as it is; nil where it is null or missing.
func (k kwargReader) value(name string) any {
	v, _ := k.kwargs.Get(name)
	return v
}
