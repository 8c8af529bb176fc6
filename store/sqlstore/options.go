package sqlstore

import (
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// The namespaces airlock itself uses.
const (
	// DefaultNamespace holds the secrets of the default deployment.
	DefaultNamespace = "default"
	// SystemNamespace holds the daemon's own records, such as its clients.
	SystemNamespace = "system"
)

// DefaultDir is the data folder where none is named, below the working
// directory.
const DefaultDir = ".airlock"

// The bounds on what is stored.
const (
	MaxName       = 16 << 10 // bytes of a name
	MaxPayload    = 1 << 20  // bytes of a payload
	MaxAttributes = 1 << 18  // bytes of all attributes of a name, as JSON
)

// defaultMaxVersions is how many versions are kept where the attribute
// max_versions of protocol "vault" is absent or 0, as Vault's KV version 2.
const defaultMaxVersions = 10

const (
	databaseFile = "airlock.db"
	keyFile      = "key"
	lockFile     = "lock"
)

// Options say where the store is and what opens it.
type Options struct {
	// Dir is the data folder; empty means DefaultDir.
	Dir string
	// Namespace is what OpenStore opens; empty means DefaultNamespace. Open
	// does not look at it.
	Namespace string
	// MustExist refuses, with code NotFound, to make a store where there is
	// none yet.
	MustExist bool
	// Made is told the Identity of a store that was just made, before any
	// other process can open it; not where Key is given. Nil is fine.
	Made func(id string)
	// Key is the key-encryption key; nil means the file "key" in Dir, made
	// with the store. A key management service that does not answer should
	// fail with a *store.Error, or it is taken for a wrong key.
	Key tink.AEADWithContext
}

func (o Options) dir() string {
	if o.Dir == "" {
		return DefaultDir
	}
	return o.Dir
}

// Exists reports whether dir (empty: DefaultDir) holds a database, whatever
// its state.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(Options{Dir: dir}.dir(), databaseFile))
	return err == nil
}
