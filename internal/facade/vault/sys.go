package vault

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
)

// open is what serves a request that needs no token; nil for every other.
func (h *Handler) open(q *request) func(*request) error {
	switch q.path {
	case "sys/health":
		return h.health
	case "sys/seal-status":
		return h.sealStatus
	case "sys/init":
		return func(q *request) error { return q.bare(http.StatusOK, map[string]any{"initialized": true}) }
	case "sys/leader":
		return func(q *request) error { return q.bare(http.StatusOK, map[string]any{"ha_enabled": false}) }
	case "sys/internal/ui/mounts":
		if q.token == "" && q.op == opRead {
			return func(q *request) error {
				return q.data(http.StatusOK, map[string]any{"auth": struct{}{}, "secret": struct{}{}})
			}
		}
	}
	role, ok := strings.CutPrefix(q.path, "auth/")
	role, isLogin := strings.CutSuffix(role, "/login")
	if ok && isLogin && slices.Contains(h.appRoles, role) {
		return h.login
	}
	return nil
}

// health answers with a status that load balancers understand; the query says
// which status stands for which state.
// https://openbao.org/api-docs/system/health/
func (h *Handler) health(q *request) error {
	if q.op != opRead {
		return &statusError{status: http.StatusMethodNotAllowed}
	}
	sealed := h.sealed(q)
	status, param := http.StatusOK, "activecode"
	if sealed {
		status, param = http.StatusServiceUnavailable, "sealedcode"
	}
	if text := q.query.Get(param); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 200 || n > 599 {
			return &statusError{status: http.StatusBadRequest}
		}
		status = n
	}
	return q.bare(status, healthAnswer{"disabled", "disabled", wire.Health{Initialized: true, Sealed: sealed,
		ServerTimeUTC: time.Now().Unix(), Version: h.version, ClusterName: "airlock", ClusterID: h.cluster}})
}

// sealed is how Vault says that nothing can be read.
func (h *Handler) sealed(q *request) bool {
	err := h.gate.Ready(q.r.Context(), &q.caller)
	if err != nil && q.caller.Audited() { // the others get the same answer
		h.tell(q, err)
	}
	return err != nil
}

type healthAnswer struct {
	DR          string `json:"replication_dr_mode"`
	Performance string `json:"replication_performance_mode"`
	wire.Health
}

func (h *Handler) sealStatus(q *request) error {
	if q.op != opRead {
		return unsupported()
	}
	return q.bare(http.StatusOK, sealAnswer{CommitDate: "", SealStatus: wire.SealStatus{Type: "shamir", Initialized: true,
		Sealed: h.sealed(q), T: 1, N: 1, Version: h.version, ClusterName: "airlock",
		ClusterID: h.cluster, StorageType: "airlock"}})
}

// sealAnswer is OpenBao's: it has a commit date where Vault has a build date.
type sealAnswer struct {
	CommitDate string `json:"commit_date"`
	BuildDate  string `json:"build_date,omitempty"`
	wire.SealStatus
}

// bare answers with v outside the envelope.
func (q *request) bare(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	q.write(status, append(b, '\n'))
	return nil
}

// flat answers with data both in the envelope and beside it, as old clients of
// some paths under sys/ expect.
func (q *request) flat(data map[string]any) error {
	all := map[string]any{"request_id": q.id, "lease_id": "", "renewable": false, "lease_duration": 0,
		"wrap_info": nil, "warnings": nil, "auth": nil, "data": data}
	for k, v := range data {
		if _, taken := all[k]; !taken {
			all[k] = v
		}
	}
	return q.bare(http.StatusOK, all)
}

// sys serves the rest of sys/ for a caller with a valid token.
func (h *Handler) sys(q *request, rest string) error {
	switch rest = strings.TrimSuffix(rest, "/"); {
	case rest == "capabilities-self":
		return h.capabilities(q)
	case rest == "mounts" || strings.HasPrefix(rest, "mounts/"), rest == "internal/ui/mounts",
		strings.HasPrefix(rest, "internal/ui/mounts/"):
		if q.op != opRead {
			return unsupported()
		}
		return h.showMounts(q, rest)
	}
	return noPath()
}

func (h *Handler) showMounts(q *request, rest string) error {
	if err := h.gate.Note(&q.caller, "mounts", "listed", nil); err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(rest, "internal/ui/mounts/"); ok {
		m, _, found := h.mount(path)
		if !found {
			return &statusError{http.StatusForbidden, fmt.Sprintf("preflight capability check returned 403, "+
				"please ensure client's policies grant access to path %q", path+"/")}
		}
		return q.data(http.StatusOK, preflight{m.Path + "/", h.describeMount(m)})
	}
	if path, ok := strings.CutPrefix(rest, "mounts/"); ok {
		return h.showMount(q, path)
	}
	secrets := map[string]any{}
	for _, m := range h.mounts {
		secrets[m.Path+"/"] = h.describeMount(m)
	}
	if rest == "mounts" {
		return q.flat(secrets)
	}
	auths := map[string]any{"token/": mountAnswer{Type: "token", Accessor: "auth_token", Description: "clients of airlock"}}
	for _, name := range h.appRoles {
		auths[name+"/"] = mountAnswer{Type: "approle", Accessor: "auth_" + name}
	}
	return q.data(http.StatusOK, map[string]any{"auth": auths, "secret": secrets})
}

// showMount serves sys/mounts/NAME and sys/mounts/NAME/tune.
func (h *Handler) showMount(q *request, path string) error {
	name, tune := strings.CutSuffix(path, "/tune")
	for _, m := range h.mounts {
		if m.Path != name {
			continue
		}
		all, err := members(h.describeMount(m))
		if err != nil {
			return err
		}
		if tune {
			all = map[string]any{"default_lease_ttl": kv1Lease, "max_lease_ttl": kv1Lease, "force_no_cache": false,
				"description": all["description"], "options": all["options"]}
		}
		return q.flat(all)
	}
	return &statusError{http.StatusBadRequest, fmt.Sprintf("No secret engine mount at %s/", name)}
}

type preflight struct {
	Path string `json:"path"`
	mountAnswer
}

// mountAnswer describes an engine in OpenBao's words.
type mountAnswer struct {
	Accessor              string            `json:"accessor"`
	Config                mountSettings     `json:"config"`
	DeprecationStatus     string            `json:"deprecation_status"`
	Description           string            `json:"description"`
	ExternalEntropyAccess bool              `json:"external_entropy_access"`
	Local                 bool              `json:"local"`
	Options               map[string]string `json:"options"`
	PluginVersion         string            `json:"plugin_version"`
	RunningPluginVersion  string            `json:"running_plugin_version"`
	RunningSHA256         string            `json:"running_sha256"`
	SealWrap              bool              `json:"seal_wrap"`
	Type                  string            `json:"type"`
	UUID                  string            `json:"uuid"`
}

type mountSettings struct {
	DefaultLeaseTTL int64 `json:"default_lease_ttl"`
	ForceNoCache    bool  `json:"force_no_cache"`
	MaxLeaseTTL     int64 `json:"max_lease_ttl"`
}

func (h *Handler) describeMount(m Mount) mountAnswer {
	return mountAnswer{Type: "kv", Accessor: "kv_" + strings.ReplaceAll(m.Path, "/", "_"), DeprecationStatus: "supported", RunningPluginVersion: h.version,
		Description: "secrets of an Airflow deployment", Options: map[string]string{"version": strconv.Itoa(m.Version)}}
}

// members turns an answer into its members.
func members(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	return all, nil
}

func texts(raw []rawJSON) ([]string, error) {
	list := make([]string, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}
