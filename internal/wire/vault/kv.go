package vault

import "encoding/json"

// KVData is the data of a KV version 2 read. Data is the secret's object, or
// null in the 404 answer for a deleted or destroyed version.
// https://openbao.org/api-docs/secret/kv/kv-v2/#read-secret-version
type KVData struct {
	Data     json.RawMessage `json:"data"`
	Metadata KVVersion       `json:"metadata"`
}

// KVVersion describes one version: the metadata of a read and the data of the
// answer to a write. Times are RFC 3339; DeletionTime is "" while the version
// is readable.
// https://openbao.org/api-docs/secret/kv/kv-v2/#create-update-secret
type KVVersion struct {
	CreatedTime    string            `json:"created_time"`
	CustomMetadata map[string]string `json:"custom_metadata"`
	DeletionTime   string            `json:"deletion_time"`
	Destroyed      bool              `json:"destroyed"`
	Version        int64             `json:"version"`
}

// KVWrite is the body of a KV version 2 write or patch. A version 1 write has
// the secret's object itself for its body.
// https://openbao.org/api-docs/secret/kv/kv-v2/#create-update-secret
type KVWrite struct {
	Options *KVOptions      `json:"options,omitempty"`
	Data    json.RawMessage `json:"data"`
}

// KVOptions are the options of a write.
type KVOptions struct {
	// CAS is check-and-set: the write happens only while the current version
	// is *CAS; 0 means that the secret must not exist.
	CAS *int64 `json:"cas,omitempty"`
}

// KVVersions is the body of delete, undelete and destroy of given versions.
// https://openbao.org/api-docs/secret/kv/kv-v2/#delete-secret-versions
type KVVersions struct {
	Versions []int64 `json:"versions"`
}

// KVMetadata is the data of a metadata read. Versions is keyed by the version
// number in decimal.
// https://openbao.org/api-docs/secret/kv/kv-v2/#read-secret-metadata
type KVMetadata struct {
	CASRequired        bool                     `json:"cas_required"`
	CreatedTime        string                   `json:"created_time"`
	CurrentVersion     int64                    `json:"current_version"`
	CustomMetadata     map[string]string        `json:"custom_metadata"`
	DeleteVersionAfter string                   `json:"delete_version_after"`
	MaxVersions        int64                    `json:"max_versions"`
	OldestVersion      int64                    `json:"oldest_version"`
	UpdatedTime        string                   `json:"updated_time"`
	Versions           map[string]KVVersionInfo `json:"versions"`
}

// KVVersionInfo is one entry of KVMetadata.Versions.
type KVVersionInfo struct {
	CreatedTime  string `json:"created_time"`
	DeletionTime string `json:"deletion_time"`
	Destroyed    bool   `json:"destroyed"`
}

// KVMetadataWrite is the body of a metadata write; a nil member is left as it
// is by a PATCH, and set to its default by a POST.
// https://openbao.org/api-docs/secret/kv/kv-v2/#create-update-metadata
type KVMetadataWrite struct {
	CASRequired        *bool             `json:"cas_required,omitempty"`
	CustomMetadata     map[string]string `json:"custom_metadata,omitempty"`
	DeleteVersionAfter *string           `json:"delete_version_after,omitempty"`
	MaxVersions        *int64            `json:"max_versions,omitempty"`
}

// KeyList is the data of a LIST; the name of a folder ends with "/".
// https://openbao.org/api-docs/secret/kv/kv-v2/#list-secrets
type KeyList struct {
	Keys []string `json:"keys"`
}

// InvalidVersionedPath is the warning with which Vault answers 404 to a
// version 1 path on a version 2 mount (the text goes on after it).
const InvalidVersionedPath = "Invalid path for a versioned K/V secrets engine"

// CASMismatch is the error (status 400) of a check-and-set write that lost.
const CASMismatch = "check-and-set parameter did not match the current version"
