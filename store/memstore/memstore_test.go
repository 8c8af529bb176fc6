package memstore_test

import (
	"testing"

	"github.com/airlock-secrets/airlock/store/memstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		return storetest.Harness{Store: memstore.New("memory")}
	})
}
