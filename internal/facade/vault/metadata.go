package vault

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/airlock-secrets/airlock/internal/gate"
	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// rawJSON is JSON that is already encoded.
type rawJSON = json.RawMessage

// settings are what metadata keeps with a secret beside its versions, as
// attributes of this protocol.
type settings struct {
	CASRequired        bool
	MaxVersions        int64
	DeleteVersionAfter time.Duration
	since              time.Time // when DeleteVersionAfter was set
	custom             string    // the JSON object of custom_metadata; "" for none
	metadataVersion    int64
}

// The attributes. max_versions is one that stores obey.
const (
	attrCAS      = "cas_required"
	attrMax      = "max_versions"
	attrAfter    = "delete_version_after"
	attrSince    = "delete_version_after_since"
	attrCustom   = "custom_metadata"
	attrMetadata = "metadata_version"
)

func settingsOf(attributes map[string]map[string]string) settings {
	a := attributes[protocol]
	if a == nil {
		return settings{}
	}
	s := settings{CASRequired: a[attrCAS] == "true", custom: a[attrCustom]}
	s.MaxVersions, _ = strconv.ParseInt(a[attrMax], 10, 64)
	s.DeleteVersionAfter, _ = time.ParseDuration(a[attrAfter])
	s.since, _ = time.Parse(time.RFC3339Nano, a[attrSince])
	s.metadataVersion, _ = strconv.ParseInt(a[attrMetadata], 10, 64)
	return s
}

func (s *settings) attributes() map[string]string {
	a := map[string]string{attrMetadata: strconv.FormatInt(s.metadataVersion, 10)}
	if s.CASRequired {
		a[attrCAS] = "true"
	}
	if s.MaxVersions > 0 {
		a[attrMax] = strconv.FormatInt(s.MaxVersions, 10)
	}
	if s.DeleteVersionAfter > 0 {
		a[attrAfter], a[attrSince] = s.DeleteVersionAfter.String(), s.since.UTC().Format(time.RFC3339Nano)
	}
	if s.custom != "" && s.custom != "{}" {
		a[attrCustom] = s.custom
	}
	return a
}

// deletion is when a version made at created ends by itself; zero for never.
func (s *settings) deletion(created time.Time) time.Time {
	if s.DeleteVersionAfter <= 0 || created.Before(s.since) {
		return time.Time{}
	}
	return created.Add(s.DeleteVersionAfter)
}

// versionInfo is what Vault says of a version.
type versionInfo struct {
	version           int64
	created, deletion time.Time
	destroyed         bool
	custom            string
}

func answerInfo(a *gate.Answer) *versionInfo {
	i := &versionInfo{version: a.Version, created: a.Secret.Time}
	if a.Secret.Attributes != nil && a.Own {
		s := settingsOf(a.Secret.Attributes)
		i.custom, i.deletion = s.custom, s.deletion(i.created)
	}
	return i
}

func writtenInfo(w *store.Secret) *versionInfo {
	s := settingsOf(w.Attributes)
	return &versionInfo{version: w.Version, created: w.Time, custom: s.custom, deletion: s.deletion(w.Time)}
}

func hiddenInfo(e *gate.HiddenError) *versionInfo {
	s := settingsOf(e.Attributes)
	return infoOf(e.Version, &s)
}

func infoOf(v store.VersionInfo, s *settings) *versionInfo {
	i := &versionInfo{version: v.Version, created: v.Created, deletion: v.Hidden, destroyed: v.Destroyed, custom: s.custom}
	if i.deletion.IsZero() {
		i.deletion = s.deletion(v.Created)
	}
	return i
}

func recordInfo(r *store.Record, version int64) *versionInfo {
	s := settingsOf(r.Attributes)
	for _, v := range r.Versions {
		if v.Version == version {
			return infoOf(v, &s)
		}
	}
	return &versionInfo{version: version, destroyed: true, custom: s.custom}
}

// append writes the object without reflection: it is part of every read.
func (i *versionInfo) append(b []byte) []byte {
	b = append(b, `{"created_time":"`...)
	b = appendStamp(b, i.created)
	b = append(b, `","custom_metadata":`...)
	if i.custom == "" {
		b = append(b, "null"...)
	} else {
		b = append(b, i.custom...)
	}
	b = append(b, `,"deletion_time":"`...)
	b = appendStamp(b, i.deletion)
	b = append(b, `","destroyed":`...)
	b = strconv.AppendBool(b, i.destroyed)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, i.version, 10)
	return append(b, '}')
}

// metadataAnswer is what OpenBao gives: Vault's members and two of its own.
type metadataAnswer struct {
	wire.KVMetadata
	CurrentMetadataVersion int64 `json:"current_metadata_version"`
	MetadataCASRequired    bool  `json:"metadata_cas_required"`
}

func (h *Handler) metadata(q *request, n gate.Name) error {
	switch q.op {
	case opRead:
		r, err := h.gate.Describe(q.r.Context(), &q.caller, n)
		if err != nil {
			return err
		}
		return q.data(http.StatusOK, describe(r))
	case opWrite:
		return h.writeMetadata(q, n, false)
	case opPatch:
		if err := q.mergePatch(); err != nil {
			return err
		}
		return h.writeMetadata(q, n, true)
	}
	return q.gone(h.gate.Delete(q.r.Context(), &q.caller, n))
}

func describe(r *store.Record) *metadataAnswer {
	s := settingsOf(r.Attributes)
	m := &metadataAnswer{CurrentMetadataVersion: s.metadataVersion}
	m.CASRequired, m.MaxVersions, m.DeleteVersionAfter = s.CASRequired, s.MaxVersions, s.DeleteVersionAfter.String()
	m.CreatedTime, m.UpdatedTime, m.CurrentVersion = stamp(r.Created), stamp(r.Updated), r.Latest
	if s.custom != "" {
		_ = json.Unmarshal([]byte(s.custom), &m.CustomMetadata) // written by us
	}
	m.Versions = make(map[string]wire.KVVersionInfo, len(r.Versions))
	for i, v := range r.Versions {
		if i == 0 && v.Version > 1 {
			m.OldestVersion = v.Version
		}
		info := infoOf(v, &s)
		m.Versions[strconv.FormatInt(v.Version, 10)] = wire.KVVersionInfo{
			CreatedTime: stamp(info.created), DeletionTime: stamp(info.deletion), Destroyed: info.destroyed}
	}
	return m
}

// writeMetadata changes the members that are given; a patch merges custom
// metadata and wants the secret to be there.
func (h *Handler) writeMetadata(q *request, n gate.Name, patch bool) error {
	body, err := q.body(maxBody)
	if err != nil {
		return err
	}
	err = h.gate.Annotate(q.r.Context(), &q.caller, n, func(old *store.Record) (map[string]string, error) {
		if old == nil {
			if patch {
				return nil, &store.Error{Op: "patch", Code: store.NotFound}
			}
			old = &store.Record{}
		}
		s := settingsOf(old.Attributes)
		if err := s.apply(body, patch); err != nil {
			return nil, err
		}
		return s.attributes(), nil
	})
	if patch && store.CodeOf(err) == store.NotFound {
		q.write(http.StatusNotFound, nil)
		return nil
	}
	if err != nil {
		return err
	}
	return q.done()
}

func (s *settings) apply(body object, patch bool) error {
	if raw := body["metadata_cas"]; !isNull(raw) {
		if n, ok := asInt(raw); !ok || n != s.metadataVersion {
			return &statusError{http.StatusBadRequest, "metadata check-and-set parameter did not match the current version"}
		}
	}
	changed := false
	for field, set := range map[string]func(rawJSON) error{
		attrCAS: s.setCAS, attrMax: s.setMax, attrAfter: s.setAfter,
		attrCustom: func(raw rawJSON) error { return s.setCustom(raw, patch) },
	} {
		if raw := body[field]; !isNull(raw) {
			if err := set(raw); err != nil {
				return err
			}
			changed = true
		}
	}
	if changed {
		s.metadataVersion++
	}
	return nil
}

func (s *settings) setCAS(raw rawJSON) error {
	text, _ := asText(raw)
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return conversion(attrCAS, "cannot parse value as 'bool': strconv.ParseBool: invalid syntax")
	}
	s.CASRequired = yes
	return nil
}

func (s *settings) setMax(raw rawJSON) error {
	n, ok := asInt(raw)
	if !ok {
		return conversion(attrMax, "cannot parse value as 'int': strconv.ParseInt: invalid syntax")
	}
	if n < 0 {
		return conversion(attrMax, "a number of versions is not negative")
	}
	if n > maxKept && n != s.MaxVersions {
		return conversion(attrMax, fmt.Sprintf("at most %d versions are kept", maxKept))
	}
	s.MaxVersions = n
	return nil
}

func (s *settings) setAfter(raw rawJSON) error {
	d, ok := asDuration(raw)
	if !ok {
		return &statusError{http.StatusBadRequest, fmt.Sprintf("error converting input for field %q: time: invalid duration", attrAfter)}
	}
	if d != s.DeleteVersionAfter {
		s.DeleteVersionAfter, s.since = max(d, 0), time.Now()
	}
	return nil
}

// asDuration reads seconds, or text with a unit.
func asDuration(raw rawJSON) (time.Duration, bool) {
	text, ok := asText(raw)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(n) * time.Second, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// The bounds of Vault on custom metadata.
const (
	maxCustom      = 64
	maxCustomKey   = 128
	maxCustomValue = 512
)

func (s *settings) setCustom(raw rawJSON, patch bool) error {
	given, err := asObject(attrCustom, raw)
	if err != nil {
		return err
	}
	custom := map[string]string{}
	if patch && s.custom != "" {
		_ = json.Unmarshal([]byte(s.custom), &custom) // written by us
	}
	for k, v := range given {
		if isNull(v) {
			delete(custom, k)
			continue
		}
		text, ok := asText(v)
		if !ok {
			return conversion(attrCustom, "expected type 'string', got unconvertible type '"+typeName(v)+"'")
		}
		custom[k] = text
	}
	if err := checkCustom(custom); err != nil {
		return err
	}
	b, err := json.Marshal(custom)
	if err != nil {
		return conversion(attrCustom, "it cannot be encoded")
	}
	s.custom = string(b)
	if len(custom) == 0 {
		s.custom = ""
	}
	return nil
}

func checkCustom(custom map[string]string) error {
	if len(custom) > maxCustom {
		return &statusError{http.StatusBadRequest, fmt.Sprintf("custom_metadata validation failed: payload must contain at most %d keys, provided %d", maxCustom, len(custom))}
	}
	for k, v := range maps.All(custom) {
		if k == "" || len(k) > maxCustomKey || len(v) > maxCustomValue {
			return &statusError{http.StatusBadRequest, fmt.Sprintf("custom_metadata validation failed: a key has 1 to %d bytes, a value at most %d", maxCustomKey, maxCustomValue)}
		}
	}
	return nil
}
