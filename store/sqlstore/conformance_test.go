package sqlstore_test

import (
	"testing"

	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		o := sqlstore.Options{Dir: t.TempDir()}
		open := func(t *testing.T) store.Store {
			t.Helper()
			s, err := sqlstore.OpenStore(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		return storetest.Harness{
			Store: open(t), Reopen: open,
			Limits: storetest.Limits{MaxName: sqlstore.MaxName, MaxPayload: sqlstore.MaxPayload},
		}
	})
}
