package vault

// Health is the body of sys/health. The status says the same: 200 active, 429
// standby, 472 and 473 secondaries, 501 not initialized, 503 sealed.
// https://openbao.org/api-docs/system/health/
type Health struct {
	Initialized   bool   `json:"initialized"`
	Sealed        bool   `json:"sealed"`
	Standby       bool   `json:"standby"`
	ServerTimeUTC int64  `json:"server_time_utc"` // Unix seconds
	Version       string `json:"version"`
	ClusterName   string `json:"cluster_name,omitempty"`
	ClusterID     string `json:"cluster_id,omitempty"`
}

// SealStatus is the body of sys/seal-status, outside the envelope.
// https://openbao.org/api-docs/system/seal-status/
type SealStatus struct {
	Type         string `json:"type"`
	Initialized  bool   `json:"initialized"`
	Sealed       bool   `json:"sealed"`
	T            int    `json:"t"`
	N            int    `json:"n"`
	Progress     int    `json:"progress"`
	Nonce        string `json:"nonce"`
	Version      string `json:"version"`
	BuildDate    string `json:"build_date"`
	Migration    bool   `json:"migration"`
	ClusterName  string `json:"cluster_name,omitempty"`
	ClusterID    string `json:"cluster_id,omitempty"`
	RecoverySeal bool   `json:"recovery_seal"`
	StorageType  string `json:"storage_type"`
}

// Mount is the data of sys/internal/ui/mounts/PATH, with which the command
// line asks whether a path is of KV version 1 or 2 before it reads.
// https://openbao.org/api-docs/system/internal-ui-mounts/
type Mount struct {
	Path        string            `json:"path"`
	Type        string            `json:"type"`
	Description string            `json:"description"`
	Options     map[string]string `json:"options"`
	Accessor    string            `json:"accessor"`
	Local       bool              `json:"local"`
	SealWrap    bool              `json:"seal_wrap"`
	UUID        string            `json:"uuid"`
}
