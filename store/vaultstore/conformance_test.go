package vaultstore_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/storetest"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// mounts makes fresh KV mounts on one server.
type mounts struct {
	server *baotest.Server
	count  atomic.Int64
}

func (m *mounts) mount(t *testing.T, version int) string {
	t.Helper()
	mount := fmt.Sprintf("kv%d-%d", version, m.count.Add(1))
	m.server.MustDo(t, "POST", "/v1/sys/mounts/"+mount, map[string]any{
		"type": "kv", "options": map[string]string{"version": fmt.Sprint(version)},
	})
	for version == 2 { // the server makes it so in the background
		if status, _ := m.server.Do(t, "GET", "/v1/"+mount+"/config", nil); status == http.StatusOK {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return mount
}

func open(t *testing.T, o vaultstore.Options) *vaultstore.Store {
	t.Helper()
	s, err := vaultstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// escape is the path of a name as curl would be given it.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

func TestConformance(t *testing.T) {
	m := &mounts{server: baotest.Start(t)}
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("KV version %d", version), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Harness { return harness(t, m, version) })
		})
	}
}

func harness(t *testing.T, m *mounts, version int) storetest.Harness {
	limits := storetest.Limits{
		NoEmpty: true, Forms: []store.Form{store.Object}, Protocol: vaultstore.Protocol, NoBigIntegers: version == 2,
		Holds: func(name string) bool {
			return !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
		},
	}
	mount := m.mount(t, version)
	s := open(t, vaultstore.Options{
		URL: m.server.Addr, Mount: mount, KVVersion: version, Auth: vaultstore.Token{Token: m.server.Token},
	})
	if version == 1 {
		limits.NoVersions, limits.NoConditions, limits.NoNumbers = true, true, true
	}
	service, all := "Vault and OpenBao, KV version 1", misses1(m, mount, version)
	if version == 2 {
		service, all = "Vault and OpenBao, KV version 2", misses2(m, mount)
	}
	return storetest.Harness{Store: s, Limits: limits, Service: service, Answers: all, Dialect: dialect.DefaultVault(), Seed: func(t *testing.T, name string, secret *store.Secret) {
		t.Helper()
		if version == 1 {
			m.server.MustDo(t, "POST", "/v1/"+mount+"/"+escape(name), json.RawMessage(secret.Payload))
			return
		}
		m.server.MustDo(t, "POST", "/v1/"+mount+"/data/"+escape(name), map[string]any{"data": json.RawMessage(secret.Payload)})
	}}
}
