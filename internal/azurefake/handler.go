package azurefake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// validName is what the path of a secret may hold.
var validName = regexp.MustCompile(`^[0-9a-zA-Z-]{1,127}$`)

// ServeHTTP answers all of the protocols.
func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch parts[0] {
	case "secrets", "deletedsecrets":
		v.secretsAPI(w, r, parts)
	case "msi":
		v.appService(w, r)
	case "metadata":
		v.instanceMetadata(w, r)
	default:
		v.login(w, r, parts)
	}
}

// secretsAPI is everything behind the challenge.
func (v *Vault) secretsAPI(w http.ResponseWriter, r *http.Request, parts []string) {
	if !v.authorized(r) {
		v.challenge(w)
		return
	}
	if r.URL.Query().Get("api-version") == "" {
		fail(w, http.StatusBadRequest, "BadParameter", "api-version must be specified")
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(parts) == 1 {
		v.listLocked(w, r, parts[0])
		return
	}
	if !validName.MatchString(parts[1]) {
		fail(w, http.StatusBadRequest, "BadParameter", "The request URI contains an invalid name: "+parts[1])
		return
	}
	key := strings.ToLower(parts[1])
	if parts[0] == "deletedsecrets" {
		v.deletedLocked(w, r, key, parts)
		return
	}
	if len(parts) == 3 && parts[2] == "versions" {
		v.versionsLocked(w, r, key)
		return
	}
	switch r.Method {
	case http.MethodGet:
		v.getLocked(w, r, key, parts)
	case http.MethodPut:
		v.putLocked(w, r, parts[1])
	case http.MethodDelete:
		v.deleteLocked(w, r, key)
	default:
		fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "method not allowed")
	}
}

// challenge tells a client where to log in and for what.
func (v *Vault) challenge(w http.ResponseWriter) {
	authority := v.Authority
	if v.Tenant != "" {
		authority += "/" + v.Tenant
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization="%s", resource="%s"`, authority, v.Resource))
	fail(w, http.StatusUnauthorized, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
}

func (v *Vault) authorized(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	v.mu.Lock()
	defer v.mu.Unlock()
	return ok && v.tokens[token]
}

func (v *Vault) getLocked(w http.ResponseWriter, r *http.Request, key string, parts []string) {
	all := v.secrets[key]
	if v.denied[key] {
		denied(w, "get")
		return
	}
	if len(parts) > 2 {
		all = slices.DeleteFunc(slices.Clone(all), func(s version) bool { return !strings.HasSuffix(s.id, "/"+parts[2]) })
	}
	if len(all) == 0 {
		fail(w, http.StatusNotFound, "SecretNotFound", "A secret with (name/id) "+parts[1]+" was not found in this key vault.")
		return
	}
	s := all[len(all)-1]
	if !s.enabled {
		body := map[string]any{"error": map[string]any{"code": "Forbidden", "message": "Operation get is not allowed on a disabled secret.",
			"innererror": map[string]any{"code": "SecretDisabled"}}}
		answer(w, http.StatusForbidden, body)
		return
	}
	answer(w, http.StatusOK, bundle(r, s, true))
}

func (v *Vault) putLocked(w http.ResponseWriter, r *http.Request, name string) {
	var in struct {
		Value       *string           `json:"value"`
		ContentType *string           `json:"contentType"`
		Tags        map[string]string `json:"tags"`
		Attributes  struct {
			Enabled *bool `json:"enabled"`
		} `json:"attributes"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &in) != nil || in.Value == nil {
		fail(w, http.StatusBadRequest, "BadParameter", "Property value is missing or not a string.")
		return
	}
	if len(*in.Value) > MaxValue {
		fail(w, http.StatusBadRequest, "BadParameter", "The value is longer than 25k.")
		return
	}
	if _, recoverable := v.deleted[strings.ToLower(name)]; recoverable {
		body := map[string]any{"error": map[string]any{"code": "Conflict", "message": "Secret " + name + " is currently in a deleted but recoverable state.",
			"innererror": map[string]any{"code": "ObjectIsDeletedButRecoverable"}}}
		answer(w, http.StatusConflict, body)
		return
	}
	s := v.setLocked(name, version{value: in.Value, contentType: in.ContentType, tags: maps.Clone(in.Tags),
		enabled: in.Attributes.Enabled == nil || *in.Attributes.Enabled})
	answer(w, http.StatusOK, bundle(r, s, true))
}

func (v *Vault) deleteLocked(w http.ResponseWriter, r *http.Request, key string) {
	all, ok := v.secrets[key]
	if !ok {
		fail(w, http.StatusNotFound, "SecretNotFound", "A secret with (name/id) "+key+" was not found in this key vault.")
		return
	}
	delete(v.secrets, key)
	v.deleted[key] = all
	body := bundle(r, all[len(all)-1], false)
	body["recoveryId"] = base(r) + "/deletedsecrets/" + key
	answer(w, http.StatusOK, body)
}

// deletedLocked reads, recovers and purges what was deleted.
func (v *Vault) deletedLocked(w http.ResponseWriter, r *http.Request, key string, parts []string) {
	all, ok := v.deleted[key]
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "SecretNotFound", "Deleted Secret not found: "+key)
	case r.Method == http.MethodGet:
		answer(w, http.StatusOK, bundle(r, all[len(all)-1], false))
	case r.Method == http.MethodDelete:
		delete(v.deleted, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && len(parts) == 3 && parts[2] == "recover":
		delete(v.deleted, key)
		v.secrets[key] = all
		answer(w, http.StatusOK, bundle(r, all[len(all)-1], false))
	default:
		fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "method not allowed")
	}
}

// listLocked is one page of names, with a link to the next.
func (v *Vault) listLocked(w http.ResponseWriter, r *http.Request, what string) {
	of := v.secrets
	if what == "deletedsecrets" {
		of = v.deleted
	}
	size := v.PageSize
	if size == 0 {
		size = 25
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("maxresults")); err == nil && n > 0 {
		size = min(size, n)
	}
	names := namesLocked(of, r.URL.Query().Get("$skiptoken"))
	page := map[string]any{"value": []any{}, "nextLink": nil}
	var items []any
	for _, name := range names[:min(size, len(names))] {
		all := of[name]
		items = append(items, item(r, all[len(all)-1], false))
	}
	if items != nil {
		page["value"] = items
	}
	if len(names) > size {
		page["nextLink"] = base(r) + "/" + what + "?api-version=" + url.QueryEscape(r.URL.Query().Get("api-version")) +
			"&$skiptoken=" + url.QueryEscape(names[size-1]) + "&maxresults=" + strconv.Itoa(size)
	}
	answer(w, http.StatusOK, page)
}

func (v *Vault) versionsLocked(w http.ResponseWriter, r *http.Request, key string) {
	var items []any
	for _, s := range v.secrets[key] {
		items = append(items, item(r, s, true))
	}
	answer(w, http.StatusOK, map[string]any{"value": items, "nextLink": nil})
}

// bundle is one version as Key Vault shows it.
func bundle(r *http.Request, s version, withValue bool) map[string]any {
	b := item(r, s, true)
	if withValue {
		b["value"] = s.value
	}
	return b
}

// item is one version in a list, which has no value; its id ends with the
// version only in lists of versions.
func item(r *http.Request, s version, versioned bool) map[string]any {
	id := s.id
	if !versioned {
		id, _, _ = strings.Cut(id, "/")
	}
	b := map[string]any{"id": base(r) + "/secrets/" + id, "attributes": map[string]any{
		"enabled": s.enabled, "created": s.at.Unix(), "updated": s.at.Unix(), "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
	}}
	if s.contentType != nil {
		b["contentType"] = *s.contentType
	}
	if s.tags != nil {
		b["tags"] = s.tags
	}
	return b
}

func base(r *http.Request) string { return "https://" + r.Host }

func denied(w http.ResponseWriter, what string) {
	body := map[string]any{"error": map[string]any{"code": "Forbidden",
		"message":    "Caller is not authorized to perform action secrets/" + what + " on this resource.",
		"innererror": map[string]any{"code": "ForbiddenByRbac"}}}
	answer(w, http.StatusForbidden, body)
}

func fail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"error": map[string]any{"code": code, "message": message}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
