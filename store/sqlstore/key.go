package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/store"
)

// maxKeyFile bounds what is read as a key; a keyset of one key has 300 bytes.
const maxKeyFile = 64 << 10

const hintKey = "put back the key file that was made together with this database: " +
	"a backup of the data folder has both; without it nothing can be read"

// localKey is a tink keyset held in memory. It looks like a key management
// service to the rest of the package.
type localKey struct{ aead tink.AEAD }

func (k localKey) EncryptWithContext(_ context.Context, plaintext, associated []byte) ([]byte, error) {
	return k.aead.Encrypt(plaintext, associated)
}

func (k localKey) DecryptWithContext(_ context.Context, ciphertext, associated []byte) ([]byte, error) {
	return k.aead.Decrypt(ciphertext, associated)
}

// readKey reads the key file of dir. A missing one is an error that wraps
// fs.ErrNotExist.
func readKey(dir string) (tink.AEADWithContext, error) {
	key, _, err := loadKey(dir)
	return key, err
}

// loadKey is readKey with the text of the file.
func loadKey(dir string) (tink.AEADWithContext, []byte, error) {
	path := filepath.Join(dir, keyFile)
	f, err := diskfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &cause{code: store.Invalid, hint: hintKey, err: fmt.Errorf("the key is missing: %w", err)}
	}
	if errors.Is(err, diskfile.ErrNotRegular) || errors.Is(err, syscall.EISDIR) {
		return nil, nil, badKey(path)
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Mode().Perm()&0o007 != 0 { // a volume of Kubernetes is its group's
		return nil, nil, &cause{code: store.Invalid, hint: "chmod 600 " + path,
			err: fmt.Errorf("other users can use the key file %s (mode %04o)", path, info.Mode().Perm())}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, nil, err
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil {
		return nil, nil, badKey(path)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, nil, badKey(path)
	}
	return localKey{primitive}, b, nil
}

// badKey says nothing of the cause, which may quote the file.
func badKey(path string) error {
	return &cause{code: store.Invalid, hint: hintKey, err: fmt.Errorf("%s holds no usable key", path)}
}

// makeKey writes a new key file into dir, whole or not at all.
func makeKey(dir string) (tink.AEADWithContext, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	b.WriteByte('\n')
	if err := writeFile(filepath.Join(dir, keyFile), b.Bytes()); err != nil {
		return nil, err
	}
	primitive, err := aead.New(handle)
	return localKey{primitive}, err
}

// writeFile writes a file of mode 0600 that is on the disk under its name
// when it returns, or not there at all.
func writeFile(path string, content []byte) error {
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := diskfile.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		_ = os.Remove(next)
		return err
	}
	return diskfile.SyncDir(filepath.Dir(path))
}
