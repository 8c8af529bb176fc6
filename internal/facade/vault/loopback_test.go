package vault_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/storetest"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// Our driver against our facade over a store in memory is a store like any
// other. The names are plain secrets.
func TestLoopBack(t *testing.T) {
	for version, mount := range map[int]string{1: "kv", 2: "secret"} {
		t.Run(fmt.Sprintf("KV version %d", version), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				r := newRig(t, nil)
				s, err := vaultstore.New(vaultstore.Options{URL: r.url, Mount: mount, KVVersion: version,
					Auth: vaultstore.AppRole{RoleID: r.creds.RoleID, SecretID: r.creds.SecretID}})
				if err != nil {
					t.Fatal(err)
				}
				return storetest.Harness{Store: s, Limits: storetest.Limits{
					NoEmpty: true, Forms: []store.Form{store.Object}, Protocol: vaultstore.Protocol,
					NoVersions: version == 1, NoConditions: version == 1, NoNumbers: version == 1,
					Holds: func(name string) bool {
						return !strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) })
					},
				}}
			})
		})
	}
}
