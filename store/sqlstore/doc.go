// Package sqlstore keeps secrets in a SQLite file, every payload encrypted.
//
// # The data folder
//
//	.airlock/            0700
//	  airlock.db         0600  SQLite, write-ahead log, synchronous=FULL
//	  airlock.db-wal     0600  its log (SQLite's own)
//	  airlock.db-shm     0600  its index (SQLite's own)
//	  key                0600  tink keyset in JSON: the local key-encryption key
//	  lock               0600  held by the daemon that serves the folder, with its pid
//	  audit.log          0600  of whoever changes the store; audit-TIME.log where it
//	                           was rotated
//	  dev-token          0600  the daemon's: where it or audit.log is left without the
//	                           database, none is made in its place
//	  .gitignore         "*", so that a project folder never commits its key
//
// On a file system that cannot be written the store is read, and changes are
// Denied. A log that a stopped process left there needs its index beside it.
//
// # Keys
//
// The key-encryption key (AES256-GCM, or whatever Options.Key is: a key
// management service) seals two kinds of things and nothing else: the canary,
// which tells a wrong key from a right one when the folder is opened, and one
// data key for each namespace. The data key (a tink keyset, AES256-GCM) seals
// the payloads and the attributes of its namespace.
//
//	key file or KMS
//	  seals canary.sealed          bound to ("canary")
//	  seals namespace.wrapped_key  bound to ("namespace key", namespace)
//	            seals version.sealed     bound to ("value", namespace, name, version, form)
//	            seals record.attributes  bound to ("attributes", namespace, name)
//
// What a ciphertext is bound to is its associated data. It is encoded so that
// two different lists never give the same bytes:
//
//	8 bytes  length of part 1, big endian
//	n bytes  part 1: "airlock sqlstore 1 " + purpose
//	8 bytes  length of part 2
//	n bytes  part 2
//	...
//
// Numbers are written in decimal. A row moved to another name, version or
// namespace, or given another form, therefore fails to decrypt (Corrupt)
// instead of answering for something else. A ciphertext is what tink writes:
//
//	1 byte   0x01
//	4 bytes  id of the key within its keyset
//	12 bytes nonce
//	n bytes  encrypted text
//	16 bytes tag
//
// Names, version numbers, times and sizes are not encrypted. Putting back an
// older copy of the whole folder is not noticed.
package sqlstore
