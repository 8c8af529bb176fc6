// Package vault serves Vault's HTTP API in front of a gate: what hvac, the
// stock Airflow provider and the `vault` and `bao` command lines need of KV
// version 2 and 1, of tokens and of AppRole.
//
// # Routes, below /v1/
//
//	<mount>/data/PATH        GET (?version=), POST, PUT, PATCH, DELETE     KV version 2
//	<mount>/metadata/PATH    GET, LIST (GET ?list=true), POST, PUT, PATCH, DELETE
//	<mount>/delete|undelete|destroy/PATH   POST, PUT
//	<mount>/subkeys/PATH     GET (?version=, ?depth=)
//	<mount>/config           GET
//	<mount>/PATH             GET, LIST, POST, PUT, DELETE                  KV version 1
//	auth/token/lookup-self, lookup, renew-self, renew, revoke-self         of the caller's own token
//	auth/<approle>/login     POST, PUT
//	sys/health, sys/seal-status, sys/init, sys/leader                                without a token
//	sys/mounts, sys/internal/ui/mounts, sys/capabilities-self
//
// Every mount shows the same secrets. Numbers keep every digit. What the dialect recognises below its
// base paths ("variables/KEY", "connections/ID", "config/NAME") is read through
// the gate's sources; everything else is a plain secret. What was written by
// this protocol comes back to the byte; a value of another form is shown as
// Airflow's VaultBackend wants it, {"value": ...} or {"conn_uri": ...}.
//
// # Where it differs from OpenBao, on purpose
//
//   - bodies are bounded at 1 MiB (413) and 500 levels (400), names at 15 KiB (400);
//   - a LIST shows what can be read now: a secret whose latest version is
//     deleted is left out until it is undeleted;
//   - delete_version_after counts from the version's creation by the setting
//     in force when it is read, for versions made after it was set;
//   - a DELETE by KV version 1 removes every version, also for the mounts of
//     version 2, which show the same secret;
//   - a string that is not UTF-8, or that has half of a surrogate pair as an
//     escape, is refused (400, with the byte), where OpenBao keeps U+FFFD in its
//     place; what was kept before this rule and is not UTF-8 is 500;
//   - data of null is kept as an empty object;
//   - reading a name with a slash at its end reads the name without it, where
//     OpenBao answers 500;
//   - login without a role id is 400, where OpenBao answers 500;
//   - response wrapping, namespaces other than root, the settings of a mount
//     and everything not listed above are refused.
//
// An answer of 403 always speaks of the caller's own token and rules, or of
// what the store behind denies. A store that refuses airlock's own login is
// 502, one that cannot be reached 503: neither makes a client log in again.
package vault
