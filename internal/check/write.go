package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/wholefile"
)

// ErrChanged is what a file is refused with that is not as it was read.
var ErrChanged = errors.New("it has changed since it was read")

// Write puts the change into the file below dir: whole or not at all, with the
// mode it has. A link is followed within dir. It fails with [ErrChanged]
// where the file no longer is what was read; a file that was not there is made.
func (c *Change) Write(dir string) error {
	if err := c.write(dir); err != nil {
		return fmt.Errorf("changing %s: %w", c.File.Path, err)
	}
	return nil
}

// write goes by way of the folder itself: also a link that is put there in
// the meantime leads nowhere else.
func (c *Change) write(dir string) error {
	path, err := within(dir, filepath.FromSlash(c.File.Path))
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	mode := fs.FileMode(0o644)
	info, err := root.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.File.Text == "":
		return wholefile.Replace(root, path, c.New, mode)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return ErrChanged // a pipe would be waited for
	}
	was, err := diskfile.ReadIn(root, path, int64(len(c.File.Text)))
	if errors.As(err, new(*diskfile.TooLargeError)) {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	if string(was) != c.File.Text {
		return ErrChanged
	}
	return wholefile.Replace(root, path, c.New, info.Mode().Perm())
}

// within follows links, and refuses one that leads out of dir. The path and
// the one that it returns are relative to dir.
func within(dir, path string) (string, error) {
	target, err := filepath.EvalSymlinks(filepath.Join(dir, path))
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(root, target)
	if err != nil || !filepath.IsLocal(rel) {
		return "", errors.New("it is a link that leads out of the folder")
	}
	return rel, nil
}
