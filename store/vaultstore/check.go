package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// Check implements store.Checker: the server is up and unsealed, the log-in
// works, the token is one of its own, and the mount is a KV engine of the
// version in use. What the token's policies hide is taken to be well.
func (s *Store) Check(ctx context.Context) error {
	const op = "check"
	return s.run(ctx, op, "", func(ctx context.Context, token string) error {
		var health vault.Health
		// Without the parameters a standby, which serves reads, answers 429.
		if err := s.send(ctx, request{method: "GET", path: "sys/health", query: "standbyok=true&perfstandbyok=true", root: true}, &health); err != nil {
			return err
		}
		if !health.Initialized || health.Sealed {
			return errNotJSON // a Vault says both by its status
		}
		known := s.send(ctx, request{method: "GET", path: "auth/token/lookup-self", token: token}, &vault.Response{})
		if known != nil && !forbidden(known) {
			return known
		}
		seen, err := s.checkMount(ctx, token)
		if err == nil && !seen && known != nil {
			return known // refused everywhere
		}
		return err
	})
}

// checkMount compares the mount with what the store takes it for. seen says
// that the server let the token look.
func (s *Store) checkMount(ctx context.Context, token string) (seen bool, err error) {
	if s.mount == "" {
		return false, nil
	}
	var res vault.Response
	err = s.send(ctx, request{method: "GET", path: "sys/internal/ui/mounts/" + quote(s.mount), token: token}, &res)
	var refusal *ResponseError
	if errors.As(err, &refusal) && refusal.Status < 500 {
		return false, nil // not allowed to see it, or it is not there: the two answer alike
	}
	if err != nil {
		return false, err
	}
	var m vault.Mount
	if json.Unmarshal(res.Data, &m) != nil {
		return false, errNotJSON
	}
	version := 1
	if m.Options["version"] == "2" {
		version = 2
	}
	switch {
	case m.Type != "kv" && m.Type != "generic":
		return true, &store.Error{Code: store.Invalid, Err: fmt.Errorf("%q is a mount of type %q", s.mount, m.Type),
			Hint: "set mount_point to a KV engine (`vault secrets list`)"}
	case version != s.version:
		return true, &store.Error{Code: store.Invalid, Err: fmt.Errorf("%q is KV version %d, this client speaks version %d", s.mount, version, s.version),
			Hint: fmt.Sprintf("set kv_engine_version to %d", version)}
	}
	return true, nil
}
