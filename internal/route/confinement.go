package route

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/store"
)

// Confinement bounds what a driver may use while its requests go to an address
// that a folder names and the user does not trust: the files of the folder,
// and those by which the process says whom to believe. A confined driver asks
// no metadata service and no identity endpoint, and follows no credential
// source of kind url.
//
// A nil *Confinement allows everything.
type Confinement struct {
	// Dir is the folder, an absolute path.
	Dir string
	// Hint says what to type to trust the address.
	Hint string
	// anywhere allows regular files outside the folder: see Certificates.
	anywhere bool
}

// Certificates returns how a driver reads the CA certificates that settings
// name, wherever they are: they are no credential, and are sent nowhere.
func (c *Confinement) Certificates() *Confinement {
	if c == nil {
		return nil
	}
	return &Confinement{Dir: c.Dir, Hint: c.Hint, anywhere: true}
}

// Open opens a file that settings name. A confined driver gets a *store.Error
// of code Denied for one that lies outside the folder, links followed, and for
// one that is not a regular file.
func (c *Confinement) Open(path string) (*os.File, error) {
	if c == nil {
		return diskfile.Open(path)
	}
	f, err := c.open(path)
	if errors.Is(err, diskfile.ErrNotRegular) || errors.Is(err, syscall.EISDIR) {
		return nil, c.deny(path)
	}
	return f, err
}

// open opens a regular file.
func (c *Confinement) open(path string) (*os.File, error) {
	if c.anywhere {
		return diskfile.Open(path)
	}
	rel, err := c.inside(path)
	if err != nil {
		return nil, c.deny(path)
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	defer root.Close()
	f, err := diskfile.OpenIn(root, rel)
	var p *fs.PathError
	if errors.As(err, &p) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, c.deny(path) // a link that leads out of the folder
	}
	return f, err
}

// ReadFile reads a file that Open opens, at most limit bytes of it.
func (c *Confinement) ReadFile(path string, limit int64) ([]byte, error) {
	f, err := c.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("the file is larger than %d bytes", limit)
	}
	return b, err
}

// Stat tells of a file or folder, as os.Stat does. For a confined driver one
// outside the folder is not there.
func (c *Confinement) Stat(path string) (fs.FileInfo, error) {
	if c == nil || c.anywhere {
		return os.Stat(path)
	}
	missing := &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	rel, err := c.inside(path)
	if err != nil {
		return nil, missing
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, missing
	}
	defer root.Close()
	info, err := root.Stat(rel)
	if err != nil {
		return nil, missing
	}
	return info, nil
}

// inside returns path as seen from the folder.
func (c *Confinement) inside(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.Dir, path)
	}
	rel, err := filepath.Rel(c.Dir, path)
	if err == nil && !filepath.IsLocal(rel) {
		err = fs.ErrPermission
	}
	return rel, err
}

// ErrWithheld is the cause where airlock keeps a credential of the user from
// an address that a folder names. It ends a look-up: no later layer answers in
// its place.
var ErrWithheld = errors.New("the folder names the address that it would be sent to")

// Withhold is the error of a confined driver that would have to use something
// of the user's, such as "the identity of this machine": a *store.Error of
// code Denied around ErrWithheld.
func (c *Confinement) Withhold(what string) error {
	return &store.Error{Op: "use", Code: store.Denied, Hint: c.Hint, Err: fmt.Errorf("airlock withholds %s: %w", what, ErrWithheld)}
}

func (c *Confinement) deny(path string) error {
	return &store.Error{Op: "read", Name: strings.ToValidUTF8(path, "?"), Code: store.Denied, Hint: c.Hint,
		Err: fmt.Errorf("the file is outside the folder, and %w", ErrWithheld)}
}

// PinOf is the Pin of connections that trust the CA file, or the folder of CA
// files, at path: what it holds, so that another one is another pin. A path
// that cannot be read has a pin that nothing else has; so has one that is no
// regular file, or holds more than any bundle.
func (c *Confinement) PinOf(path string) string {
	sum, left := sha256.New(), int64(largestCA)
	info, err := c.Stat(path)
	files := []string{path}
	if err == nil && info.IsDir() {
		files, err = filepath.Glob(filepath.Join(path, "*"))
	}
	for _, file := range files {
		if err != nil {
			return "ca:unreadable"
		}
		if info, err := c.Stat(file); err != nil || !info.Mode().IsRegular() {
			return "ca:unreadable"
		}
		var text []byte
		text, err = c.ReadFile(file, left)
		left -= int64(len(text))
		sum.Write(text)
		sum.Write([]byte{0})
	}
	if err != nil {
		return "ca:unreadable"
	}
	return "ca:" + hex.EncodeToString(sum.Sum(nil))
}

// largestCA bounds what is read of a CA file, or of a folder of them; the
// system's own bundle has a quarter of a megabyte.
const largestCA = 4 << 20
