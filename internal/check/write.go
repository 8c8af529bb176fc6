package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrChanged is what a file is refused with that is not as it was read.
var ErrChanged = errors.New("it has changed since it was read")

// Write puts the change into the file below dir: whole or not at all, with the
// mode it has. A link is followed within dir. It fails with [ErrChanged]
// where the file no longer is what was read; a file that was not there is made.
func (c *Change) Write(dir string) error {
	path := filepath.Join(dir, filepath.FromSlash(c.File.Path))
	if err := c.write(dir, path); err != nil {
		return fmt.Errorf("changing %s: %w", c.File.Path, err)
	}
	return nil
}

func (c *Change) write(dir, path string) error {
	target, err := within(dir, path)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	was, err := os.ReadFile(target)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.File.Text == "":
	case err != nil:
		return err
	case string(was) != c.File.Text:
		return ErrChanged
	default:
		info, err := os.Stat(target)
		if err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	return replace(target, c.New, mode)
}

// within follows links, and refuses one that leads out of dir.
func within(dir, path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
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
	if rel, err := filepath.Rel(root, target); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", errors.New("it is a link that leads out of the folder")
	}
	return target, nil
}

// replace writes beside the file, to the disk, and then renames: at any time
// the name holds the whole old text or the whole new one.
func replace(path, text string, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".airlock-*") // 0600: it may hold secrets
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
