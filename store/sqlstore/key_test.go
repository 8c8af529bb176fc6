package sqlstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/airlock-secrets/airlock/store"
)

func memoryKey(t *testing.T) localKey {
	t.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	return localKey{primitive}
}

// outage is a key management service that cannot be reached.
type outage struct{ localKey }

func (outage) DecryptWithContext(context.Context, []byte, []byte) ([]byte, error) {
	return nil, &store.Error{Op: "unwrap", Store: "a key service", Code: store.Throttled, Hint: "wait", Err: errors.New("slow down")}
}

func TestKeyFromElsewhere(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	key := memoryKey(t)
	for range 2 {
		s, err := OpenStore(ctx, Options{Dir: dir, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, "x", "v")
		wantValue(t, s, "x", "v")
		s.Close()
	}
	if _, err := os.Stat(filepath.Join(dir, keyFile)); err == nil {
		t.Error("a key file was made beside the given key")
	}
	_, err := Open(ctx, Options{Dir: dir, Key: memoryKey(t)})
	wantCode(t, "Open with another key", err, store.Invalid)
	_, err = Open(ctx, Options{Dir: dir})
	wantCode(t, "Open without the key", err, store.Invalid)
	_, err = Open(ctx, Options{Dir: dir, Key: outage{key}})
	wantCode(t, "Open while the key service is down", err, store.Throttled)
	if store.Hint(err) != "wait" {
		t.Errorf("Open while the key service is down: hint %q", store.Hint(err))
	}
}
