package vaultstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// metadata reads what KV version 2 keeps beside a secret; mount and path are
// quoted.
func (s *Store) metadata(ctx context.Context, token, mount, path string) (*vault.KVMetadata, error) {
	var res vault.Response
	if err := s.send(ctx, request{method: "GET", path: mount + "/metadata/" + path, token: token}, &res); err != nil {
		return nil, err
	}
	var m vault.KVMetadata
	if res.Data == nil || json.Unmarshal(res.Data, &m) != nil {
		return nil, errNotJSON
	}
	return &m, nil
}

// readableNow reports whether the latest version can be read. A deletion_time
// may lie ahead (delete_version_after).
func readableNow(m *vault.KVMetadata, now time.Time) bool {
	latest, ok := m.Versions[strconv.FormatInt(m.CurrentVersion, 10)]
	return ok && !latest.Destroyed && !deleted(latest.DeletionTime, now)
}

func deleted(deletionTime string, now time.Time) bool {
	at := timeOf(deletionTime)
	return !at.IsZero() && !at.After(now)
}

// Record implements store.Versioner.
func (s *Store) Record(ctx context.Context, name string) (*store.Record, error) {
	const op = "record"
	var m *vault.KVMetadata
	err := s.versioned(ctx, op, name, func(ctx context.Context, token, mount, path string) (err error) {
		m, err = s.metadata(ctx, token, mount, path)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := &store.Record{
		Name: name, Latest: m.CurrentVersion, Created: timeOf(m.CreatedTime), Updated: timeOf(m.UpdatedTime),
		Attributes: attributesOf(m.CustomMetadata),
	}
	now := time.Now()
	for number, v := range m.Versions {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, s.fail(op, name, errNotJSON)
		}
		info := store.VersionInfo{Version: n, Created: timeOf(v.CreatedTime), Destroyed: v.Destroyed}
		if deleted(v.DeletionTime, now) {
			info.Hidden, info.HiddenBy = timeOf(v.DeletionTime), Protocol
		}
		r.Versions = append(r.Versions, info)
	}
	slices.SortFunc(r.Versions, func(a, b store.VersionInfo) int { return int(a.Version - b.Version) })
	return r, nil
}

// Hide implements store.Versioner; Vault calls it delete.
func (s *Store) Hide(ctx context.Context, name, by string, versions ...int64) error {
	return s.mark(ctx, "hide", name, by, "delete", versions)
}

// Restore implements store.Versioner; Vault calls it undelete.
func (s *Store) Restore(ctx context.Context, name, by string, versions ...int64) error {
	return s.mark(ctx, "restore", name, by, "undelete", versions)
}

// Destroy implements store.Versioner.
func (s *Store) Destroy(ctx context.Context, name string, versions ...int64) error {
	return s.mark(ctx, "destroy", name, Protocol, "destroy", versions)
}

// mark sends versions, none meaning the latest, to one of the areas delete,
// undelete and destroy.
func (s *Store) mark(ctx context.Context, op, name, by, area string, versions []int64) error {
	if by != Protocol {
		return s.foreign(op, name, by)
	}
	versions, err := store.DistinctVersions(versions)
	if err != nil {
		return err
	}
	return s.versioned(ctx, op, name, func(ctx context.Context, token, mount, path string) error {
		which := versions
		if len(which) == 0 {
			m, err := s.metadata(ctx, token, mount, path)
			if err != nil {
				return err
			}
			which = []int64{m.CurrentVersion}
		}
		r := request{method: "POST", path: s.at(mount, area, path), token: token, body: vault.KVVersions{Versions: which}}
		return s.send(ctx, r, nil)
	})
}

// SetAttributes implements store.Versioner: attributes of the protocol
// "vault" are custom_metadata, which is replaced whole.
func (s *Store) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	const op = "set attributes"
	if protocol != Protocol {
		return s.foreign(op, name, protocol)
	}
	if attributes == nil {
		attributes = map[string]string{}
	}
	body := map[string]any{"custom_metadata": attributes} // an empty one has to be sent to clear
	return s.versioned(ctx, op, name, func(ctx context.Context, token, mount, path string) error {
		return s.send(ctx, request{method: "POST", path: s.at(mount, "metadata", path), token: token, body: body}, nil)
	})
}

// versioned is run for what only KV version 2 can do.
func (s *Store) versioned(ctx context.Context, op, name string, f func(ctx context.Context, token, mount, path string) error) error {
	if s.version == 1 {
		return s.unversioned(op, name)
	}
	mount, path, err := s.place(op, name)
	if err != nil {
		return err
	}
	return s.run(ctx, op, name, func(ctx context.Context, token string) error { return f(ctx, token, mount, path) })
}

func (s *Store) foreign(op, name, protocol string) error {
	return s.fail(op, name, &store.Error{Code: store.Unsupported,
		Err: fmt.Errorf("the server keeps nothing of protocol %q", excerpt.Name(protocol))})
}
