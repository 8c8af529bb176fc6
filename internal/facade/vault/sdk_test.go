package vault_test

import (
	"errors"
	"testing"

	"github.com/openbao/openbao/api/v2"
)

func sdk(t *testing.T, r *rig, token string) *api.Client {
	t.Helper()
	c, err := api.NewClient(&api.Config{Address: r.url})
	if err != nil {
		t.Fatal(err)
	}
	c.SetToken(token)
	return c
}

func TestTheGoSDK(t *testing.T) {
	r := newRig(t, nil)
	c, ctx := sdk(t, r, r.token), t.Context()
	kv := c.KVv2("secret")
	if _, err := kv.Put(ctx, "apps/one", map[string]any{"user": "u", "n": 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(ctx, "apps/one", map[string]any{"user": "v"}, api.WithCheckAndSet(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(ctx, "apps/one", map[string]any{"user": "w"}, api.WithCheckAndSet(1)); err == nil {
		t.Error("a check-and-set that lost succeeded")
	}
	s, err := kv.Get(ctx, "apps/one")
	if err != nil || s.Data["user"] != "v" || s.VersionMetadata.Version != 2 || s.VersionMetadata.CreatedTime.IsZero() {
		t.Errorf("Get = %+v, %v", s, err)
	}
	if _, err := kv.Patch(ctx, "apps/one", map[string]any{"more": true}); err != nil {
		t.Error(err)
	}
	sdkVersions(t, kv)
	sdkEngines(t, c)
	_, err = sdk(t, r, "bad").KVv2("secret").Get(ctx, "apps/one")
	var answer *api.ResponseError
	if !errors.As(err, &answer) || answer.StatusCode != 403 || answer.Errors[0] != "permission denied" {
		t.Errorf("Get with a bad token = %v", err)
	}
}

func sdkVersions(t *testing.T, kv *api.KVv2) {
	t.Helper()
	ctx := t.Context()
	versions, err := kv.GetVersionsAsList(ctx, "apps/one")
	if err != nil || len(versions) != 3 {
		t.Errorf("GetVersionsAsList = %v, %v", versions, err)
	}
	if err := kv.PutMetadata(ctx, "apps/one", api.KVMetadataPutInput{CustomMetadata: map[string]any{"k": "v"}, MaxVersions: 3}); err != nil {
		t.Error(err)
	}
	m, err := kv.GetMetadata(ctx, "apps/one")
	if err != nil || m.CurrentVersion != 3 || m.CustomMetadata["k"] != "v" || m.MaxVersions != 3 {
		t.Errorf("GetMetadata = %+v, %v", m, err)
	}
	if err := kv.Delete(ctx, "apps/one"); err != nil {
		t.Error(err)
	}
	// The SDK shows a deleted version without data, and no error.
	if s, err := kv.Get(ctx, "apps/one"); err != nil || s.Data != nil || s.VersionMetadata.DeletionTime.IsZero() {
		t.Errorf("Get of a deleted version = %+v, %v", s, err)
	}
	if err := kv.Undelete(ctx, "apps/one", []int{3}); err != nil {
		t.Error(err)
	}
	if err := kv.DeleteMetadata(ctx, "apps/one"); err != nil {
		t.Error(err)
	}
	if _, err := kv.Get(ctx, "apps/one"); !errors.Is(err, api.ErrSecretNotFound) {
		t.Errorf("Get of what was deleted = %v", err)
	}
}

func sdkEngines(t *testing.T, c *api.Client) {
	t.Helper()
	ctx := t.Context()
	v1 := c.KVv1("kv")
	if err := v1.Put(ctx, "apps/two", map[string]any{"a": "b"}); err != nil {
		t.Error(err)
	}
	if s, err := v1.Get(ctx, "apps/two"); err != nil || s.Data["a"] != "b" {
		t.Errorf("KV v1 Get = %+v, %v", s, err)
	}
	if err := v1.Delete(ctx, "apps/two"); err != nil {
		t.Error(err)
	}
	if h, err := c.Sys().Health(); err != nil || h.Sealed || !h.Initialized {
		t.Errorf("Health = %+v, %v", h, err)
	}
	if mounts, err := c.Sys().ListMounts(); err != nil || mounts["secret/"].Options["version"] != "2" {
		t.Errorf("ListMounts = %v, %v", mounts, err)
	}
}

func TestTheGoSDKLogsInByAppRole(t *testing.T) {
	r := newRig(t, nil)
	c := sdk(t, r, "")
	login, err := c.Logical().WriteWithContext(t.Context(), "auth/approle/login",
		map[string]any{"role_id": r.creds.RoleID, "secret_id": r.creds.SecretID})
	if err != nil || login.Auth == nil || !login.Auth.Renewable {
		t.Fatalf("login = %+v, %v", login, err)
	}
	c.SetToken(login.Auth.ClientToken)
	self, err := c.Auth().Token().LookupSelf()
	if err != nil {
		t.Fatal(err)
	}
	if ttl, err := self.TokenTTL(); err != nil || ttl <= 0 {
		t.Errorf("TokenTTL = %v, %v", ttl, err)
	}
	if _, err := c.Auth().Token().RenewSelf(60); err != nil {
		t.Error(err)
	}
	if err := c.Auth().Token().RevokeSelf(""); err != nil {
		t.Error(err)
	}
	if _, err := c.Auth().Token().LookupSelf(); err == nil {
		t.Error("a revoked token still answers")
	}
}
