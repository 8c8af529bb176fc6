package vaultstore

import "context"

// DefaultKubernetesJWTPath is where Kubernetes puts the token of a pod's
// service account.
const DefaultKubernetesJWTPath = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Kubernetes is auth_type kubernetes.
// https://openbao.org/api-docs/auth/kubernetes/#login
type Kubernetes struct {
	// Role is a string. VaultBackend passes other JSON values on.
	Role any
	// Path of the file with the service account's token, which is read at
	// each log-in; empty: DefaultKubernetesJWTPath.
	Path string
	// Mount of the method; empty: "kubernetes".
	Mount string
}

// Name implements Method.
func (Kubernetes) Name() string { return "kubernetes" }

// Login implements Method (_VaultClient._auth_kubernetes).
func (k Kubernetes) Login(ctx context.Context, env Env, session *Session) (string, error) {
	path := k.Path
	if path == "" {
		path = DefaultKubernetesJWTPath
	}
	jwt, err := env.readTrimmed(env.path(path))
	if err != nil {
		return "", fileError("kubernetes_jwt_path", err)
	}
	return session.Login(ctx, "auth/"+mountOr(k.Mount, "kubernetes")+"/login", members("role", k.Role, "jwt", jwt))
}
