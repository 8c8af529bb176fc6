// Package client keeps the clients of a daemon: who may ask, how they prove
// it, and what they may do.
//
// A client proves itself by a token, or by a role id and a secret id that give
// it a lease: a token of limited life (Vault's AppRole). Tokens and secret ids
// are 256 random bits; only their SHA-256 is stored. With that much entropy a
// fast hash is as safe as a slow one, and it is computed on every request.
//
// Clients live in a store, under "client/" and their name:
//
//	{"version": 1, "name": "airflow", "deployment": "default",
//	 "token_hash": "<hex>", "token_accessor": "...",
//	 "role_id": "<uuid>", "secret_hash": "<hex>", "secret_expires": "<RFC 3339>",
//	 "secret_uses": 5, "rules": [...], "created": "<RFC 3339>", "expires": "<RFC 3339>",
//	 "ended": true}
//
// A record that cannot be used, also one of a newer airlock, is a client that
// is refused; it keeps nobody else out. A client that was seen expired has
// "ended" and stays refused until it is extended, whatever the clock says.
// What ends in memory ends by two clocks, the one of the machine and one that
// nobody can set, and is gone as soon as it is seen.
//
// The registry reads the records once and is the only writer while it is open.
// Leases are kept in memory: after a restart a lease is refused like any
// unknown token (403), and Airflow's provider logs in again by itself.
package client
