// Package wholefile writes a file so that its name holds the old text or the
// new one at any time, and never a part.
package wholefile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes text beside the file, to the disk, and renames it into place
// with the mode. It goes by way of root: a link, also one that appears
// meanwhile, leads nowhere else. The folder of path has to be there. Until it
// has its name the new file is 0600, for it may hold secrets.
func Replace(root *os.Root, path, text string, mode fs.FileMode) error {
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".airlock-"+rand.Text())
	f, err := root.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = root.Rename(beside, path)
	}
	if err != nil {
		return errors.Join(err, root.Remove(beside))
	}
	return nil
}
