package storetest

import "github.com/airlock-secrets/airlock/store"

// The answers that several services can get in front of them.
const (
	Ingress = "404 with a page of an ingress or a proxy"
	Foreign = "404 with the JSON of something else"
)

// Misses is the table of docs/misses.md, the rows of a service together.
func Misses() []Miss {
	const (
		kv2, kv1  = "Vault and OpenBao, KV version 2", "Vault and OpenBao, KV version 1"
		ssm, sm   = "AWS Parameter Store", "AWS Secrets Manager"
		gcp, kv   = "Google Secret Manager", "Azure Key Vault"
		db, files = "The metadata database", "Local files"
	)
	return []Miss{
		{Service: kv2, Answer: "404 with `errors: []` and no warning", Absent: true},
		{Service: kv2, Answer: "404 with the time at which the version was deleted", Absent: true},
		{Service: kv2, Answer: "404 with a version that was destroyed", Absent: true},
		{Service: kv2, Answer: "404 `no handler for route`: the mount is gone"},
		{Service: kv2, Answer: "404 `namespace not found`"},
		{Service: kv2, Answer: "404 with a warning: the path is of another KV version"},
		{Service: kv2, Answer: Ingress},
		{Service: kv2, Answer: Foreign},
		{Service: kv2, Answer: "404 to the log-in"},
		{Service: kv2, Answer: "403", Code: store.Denied},
		{Service: kv1, Answer: "404 with `errors: []` and no warning", Absent: true},
		{Service: kv1, Answer: "404 `no handler for route`: the mount is gone"},
		{Service: kv1, Answer: Ingress},
		{Service: ssm, Answer: "`ParameterNotFound`", Absent: true},
		{Service: ssm, Answer: "`ResourceNotFoundException` to the log-in (STS)", Code: store.Unauthenticated},
		{Service: ssm, Answer: Ingress, Code: store.Unavailable},
		{Service: ssm, Answer: Foreign, Code: store.Unavailable},
		{Service: sm, Answer: "`ResourceNotFoundException`", Absent: true},
		{Service: sm, Answer: "`InvalidRequestException` of a secret that is marked for deletion", Absent: true},
		{Service: sm, Answer: "any other `InvalidRequestException`", Code: store.Invalid, Forgiven: true},
		{Service: sm, Answer: "`InvalidParameterException`", Code: store.Invalid, Forgiven: true},
		{Service: sm, Answer: "`DecryptionFailure`", Code: store.Denied, Forgiven: true},
		{Service: sm, Answer: "`InternalServiceError`", Code: store.Unavailable, Forgiven: true},
		{Service: sm, Answer: Ingress, Code: store.Unavailable},
		{Service: sm, Answer: Foreign, Code: store.Unavailable},
		{Service: gcp, Answer: "gRPC `NotFound`, of the secret or of its version", Absent: true},
		{Service: gcp, Answer: "gRPC `PermissionDenied`, also of a project that does not exist", Code: store.Denied, Forgiven: true},
		{Service: gcp, Answer: "gRPC `InvalidArgument`", Code: store.Invalid, Forgiven: true},
		{Service: gcp, Answer: "gRPC `FailedPrecondition`: the latest version is disabled or destroyed", Code: store.Invalid},
		{Service: gcp, Answer: Ingress, Code: store.Corrupt},
		{Service: kv, Answer: "404 `SecretNotFound`, also of a deleted secret", Absent: true},
		{Service: kv, Answer: "404 with another code of Azure's"},
		{Service: kv, Answer: "403 `SecretDisabled`: the latest version is disabled", Code: store.Denied},
		{Service: kv, Answer: Ingress},
		{Service: kv, Answer: Foreign},
		{Service: kv, Answer: "404 to the log-in", Code: store.Unauthenticated},
		{Service: db, Answer: "no row of that id", Absent: true},
		{Service: db, Answer: "the table is not there", Code: store.Invalid},
		{Service: files, Answer: "the file was read and has no such key", Absent: true},
		{Service: files, Answer: "the file is not there", Code: store.Invalid},
	}
}
