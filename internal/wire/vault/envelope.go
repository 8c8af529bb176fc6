package vault

import "encoding/json"

// Response is the envelope of every successful answer that has a body. Data
// is left as it came, so that a secret's bytes pass through untouched.
// https://openbao.org/api-docs/#api-operations
type Response struct {
	RequestID     string          `json:"request_id"`
	LeaseID       string          `json:"lease_id"`
	Renewable     bool            `json:"renewable"`
	LeaseDuration int64           `json:"lease_duration"` // seconds
	Data          json.RawMessage `json:"data"`
	WrapInfo      json.RawMessage `json:"wrap_info"`
	Warnings      []string        `json:"warnings"`
	Auth          *Auth           `json:"auth"`
	MountType     string          `json:"mount_type,omitempty"`
}

// ErrorResponse is the body of an answer of 400 and above. A missing KV secret
// is 404 with an empty list, and with Warnings where the path itself is wrong
// for the engine; a deleted version is 404 with Data.
// https://openbao.org/api-docs/#error-response
type ErrorResponse struct {
	Errors   []string        `json:"errors"`
	Warnings []string        `json:"warnings,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// Auth is what a login or a renewal gives.
// https://openbao.org/api-docs/auth/approle/#login-with-approle
type Auth struct {
	ClientToken      string            `json:"client_token"`
	Accessor         string            `json:"accessor"`
	Policies         []string          `json:"policies"`
	TokenPolicies    []string          `json:"token_policies"`
	IdentityPolicies []string          `json:"identity_policies,omitempty"`
	Metadata         map[string]string `json:"metadata"`
	LeaseDuration    int64             `json:"lease_duration"` // seconds
	Renewable        bool              `json:"renewable"`
	EntityID         string            `json:"entity_id"`
	TokenType        string            `json:"token_type"`
	Orphan           bool              `json:"orphan"`
	NumUses          int64             `json:"num_uses"`
}

// TokenInfo is the data of token/lookup-self.
// https://openbao.org/api-docs/auth/token/#lookup-a-token-self
type TokenInfo struct {
	Accessor       string            `json:"accessor"`
	CreationTime   int64             `json:"creation_time"` // Unix seconds
	CreationTTL    int64             `json:"creation_ttl"`  // seconds
	DisplayName    string            `json:"display_name"`
	EntityID       string            `json:"entity_id"`
	ExpireTime     *string           `json:"expire_time"` // RFC 3339; null: never
	ExplicitMaxTTL int64             `json:"explicit_max_ttl"`
	ID             string            `json:"id"`
	IssueTime      string            `json:"issue_time,omitempty"`
	Meta           map[string]string `json:"meta"`
	NumUses        int64             `json:"num_uses"`
	Orphan         bool              `json:"orphan"`
	Path           string            `json:"path"`
	Policies       []string          `json:"policies"`
	Renewable      bool              `json:"renewable"`
	TTL            int64             `json:"ttl"` // seconds left; 0: never expires
	Type           string            `json:"type"`
}

// RenewRequest is the body of token/renew-self; it may be missing. Increment
// is a duration: a number of seconds or text such as "1h".
// https://openbao.org/api-docs/auth/token/#renew-a-token-self
type RenewRequest struct {
	Increment any `json:"increment,omitempty"`
}

// AppRoleLogin is the body of auth/approle/login. Clients send null for a
// secret id that they have not; Airflow's passes any JSON value of its kwargs
// on, hence the types.
// https://openbao.org/api-docs/auth/approle/#login-with-approle
type AppRoleLogin struct {
	RoleID   any `json:"role_id"`
	SecretID any `json:"secret_id"`
}
