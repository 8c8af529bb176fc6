package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// File is a configuration and where it was read.
type File struct {
	Config
	// Path is the file as the person named it, for messages.
	Path string
	// Dir is the folder that it is in.
	Dir string
	// Warnings are remarks that are no failures. They hold no value.
	Warnings []string
}

// Find returns the path of the configuration file of a folder, "" where it
// has none.
func Find(dir string) string {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// Misnamed returns the name of a file in a folder that was probably meant to be
// its configuration, "" where there is none.
func Misnamed(dir string) string {
	const name = "airlock.yml"
	if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
		return name
	}
	return ""
}

// Load reads the file at path, which messages call shown. expand fills in the
// variables of a value as Airflow does with options (settings.Expand).
//
// What is wrong with the content is a Problems error, and the File beside it
// still has everything that could be read. A file that cannot be read at all
// is a *store.Error of code Invalid and no File.
func Load(path, shown string, expand func(string) (string, error)) (*File, error) {
	text, mode, err := read(path)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err // the path is named already
		}
		return nil, &store.Error{Op: "read settings", Name: shown, Code: store.Invalid, Err: err,
			Hint: "see docs/config.md for what the file holds"}
	}
	f := &File{Path: shown, Dir: filepath.Dir(path)}
	f.Config, err = decode(text, shown, expand)
	if mode&0o044 != 0 && f.holdsCredentials() {
		f.Warnings = append(f.Warnings, fmt.Sprintf("%s can be read by others (mode %#o) and holds credentials: chmod 600 it, or name variables in it, ${NAME}",
			shown, mode))
	}
	return f, err
}

func read(path string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	b, err := diskfile.Read(path, mostBytes)
	if errors.Is(err, syscall.EISDIR) {
		err = diskfile.ErrNotRegular
	}
	return b, info.Mode().Perm(), err
}

// decode reads the text of a file.
func decode(text []byte, shown string, expand func(string) (string, error)) (Config, error) {
	d := &decoder{file: shown, expand: expand}
	var c Config
	if m := d.parse(text); m != nil {
		d.mapping(m, Position{1, 1}, "", &c)
		d.check(&c)
	}
	if len(d.problems) == 0 {
		return c, nil
	}
	d.problems.Sort()
	return c, d.problems
}

func (f *File) holdsCredentials() bool {
	return slices.ContainsFunc(f.Sources, func(s Source) bool { return s.Kwargs.literal })
}

// ProblemOf is what is wrong with a source that is well written but cannot be
// constructed: at the kwarg that the message names, if it names one.
func (f *File) ProblemOf(i int, err error) *Problem {
	s := &f.Sources[i]
	p := &Problem{File: f.Path, Path: f.pathOf(i, "class"), Position: s.At("class"), Text: err.Error(), Hint: store.Hint(err)}
	var refused *airflow.Error
	if errors.As(err, &refused) && refused.Kwarg != "" {
		p.Path = f.pathOf(i, "kwargs."+excerpt.Word(refused.Kwarg))
		if at, ok := s.Kwargs.at[refused.Kwarg]; ok {
			p.Position = at
		}
	} else if key := namedKwarg(s.Kwargs, p.Text); key != "" {
		p.Path, p.Position = f.pathOf(i, "kwargs."+key), s.Kwargs.at[key]
	}
	return p
}

func (f *File) pathOf(i int, key string) string { return fmt.Sprintf("sources[%d].%s", i, key) }
