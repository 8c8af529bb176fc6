package project

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/diskfile"
)

// Bounds of what is read: whoever wrote the folder chose its size.
const (
	mostFile  = 1 << 20   // bytes of a file
	mostFiles = 20_000    // files that are read or listed
	mostSeen  = 200_000   // files and folders that are looked at
	mostText  = 128 << 20 // bytes of all files
	mostDeep  = 32        // folders inside each other
)

// tooMuch is why a file is not read that is left when the bytes are used up.
const tooMuch = "the files of the folder are too large together"

// folder reads files of one folder. A link that leads out of it is not
// followed, and a link to a folder is not entered.
type folder struct {
	root    *os.Root
	left    int // bytes
	remarks []string
}

// listed is a file that may belong to the project.
type listed struct {
	path string
	kind Kind
	// certain is set where the file's name alone says what it is.
	certain bool
}

func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{root: root, left: mostText}, nil
}

func (f *folder) close() { _ = f.root.Close() }

// list finds the files of the project; only the one called single, where that
// is not empty.
func (f *folder) list(ctx context.Context, single string) ([]listed, error) {
	if single != "" {
		kind, _ := kindOf(single, dagFolder+"/")
		return []listed{{single, cmp.Or(kind, unknown), true}}, nil
	}
	w := walker{folder: f, inDAGs: path.Base(f.root.Name()) == dagFolder}
	err := w.walk(ctx, ".", 0)
	return w.files, err
}

type walker struct {
	folder *folder
	// inDAGs is set where the folder is the one with the DAGs.
	inDAGs bool
	files  []listed
	seen   int
	full   bool
}

func (w *walker) walk(ctx context.Context, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := w.folder.entries(dir)
	if err != nil {
		if dir == "." {
			return err
		}
		w.folder.remarks = append(w.folder.remarks, "the folder "+dir+" cannot be read")
		return nil
	}
	for _, e := range entries {
		w.seen++
		if w.seen > mostSeen || len(w.files) >= mostFiles {
			w.stop()
			return nil
		}
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			if depth < mostDeep && !passedOver(e.Name()) {
				if err := w.walk(ctx, name, depth+1); err != nil {
					return err
				}
			}
		default:
			w.add(name, e)
		}
	}
	return nil
}

func (w *walker) stop() {
	if !w.full {
		w.full = true
		w.folder.remarks = append(w.folder.remarks, "the folder holds too many files: the rest of them is not read")
	}
}

// add takes up a file whose name may belong to a project.
func (w *walker) add(name string, e fs.DirEntry) {
	dags := ""
	if w.inDAGs {
		dags = dagFolder + "/"
	}
	kind, certain := kindOf(name, dags)
	if kind == "" {
		return
	}
	if kind == DAG && !e.Type().IsRegular() && !w.folder.regular(name) {
		return
	}
	w.files = append(w.files, listed{name, kind, certain})
}

func (f *folder) entries(dir string) ([]fs.DirEntry, error) {
	d, err := diskfile.OpenDirIn(f.root, dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(mostSeen)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return entries, err
}

func (f *folder) regular(name string) bool {
	info, err := f.root.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// read returns the text of a file without a byte order mark, or why there is
// none. Only regular files are opened: a pipe would block for ever.
func (f *folder) read(l listed) (text, remark string) {
	info, err := f.root.Stat(l.path)
	switch {
	case err != nil:
		return "", unreadable(err)
	case !info.Mode().IsRegular():
		return "", "it is not a regular file"
	case info.Size() > mostFile:
		return "", "it is larger than 1 MiB"
	case info.Size() > int64(f.left):
		return "", tooMuch
	}
	b, err := diskfile.ReadIn(f.root, l.path, mostFile)
	switch {
	case errors.As(err, new(*diskfile.TooLargeError)):
		return "", "it is larger than 1 MiB"
	case err != nil:
		return "", unreadable(err)
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return "", "it is UTF-16 text, as > of Windows PowerShell writes it: save it as UTF-8"
	case bytes.IndexByte(b, 0) >= 0:
		return "", "it holds a NUL byte"
	case !utf8.Valid(b):
		return "", "it is not UTF-8 text: save it as UTF-8"
	}
	f.left -= len(b)
	return strings.TrimPrefix(string(b), "\ufeff"), ""
}

// unreadable says why in the words of the operating system.
func unreadable(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}
