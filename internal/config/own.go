package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/airlock-secrets/airlock/internal/hostname"
)

// LoadOwn is Load for the file that airlock finds in a folder by itself. Who
// wrote the folder may narrow what airlock does there, and never widen it: a
// key that lets others in, or leads out of the folder, is a problem.
func LoadOwn(path, shown string, expand func(string) (string, error)) (*File, error) {
	f, err := Load(path, shown, expand)
	if f == nil {
		return nil, err
	}
	var problems Problems
	if err != nil && !errors.As(err, &problems) {
		return f, err
	}
	problems = append(slices.Clone(problems), f.wider()...)
	if len(problems) == 0 {
		return f, nil
	}
	problems.Sort()
	return f, problems
}

// narrow are the keys that a folder's own file may have: at the top, and those
// of serve with what makes their value one that widens nothing.
var (
	narrow      = []string{"context", "sources", "write_to", "serve"}
	narrowServe = map[string]func(*File) bool{
		"listen":     func(f *File) bool { return f.Serve.Listen == "" || hostname.Loopback(f.Serve.Listen) },
		"data_dir":   func(f *File) bool { return f.Serve.DataDir == "" || inside(f.Dir, f.Serve.DataDir) },
		"cache_ttl":  func(*File) bool { return true },
		"stale":      func(*File) bool { return true },
		"timeout":    func(*File) bool { return true },
		"plain_http": func(f *File) bool { return !f.Serve.PlainHTTP },
	}
)

// wider tells the keys that count only where the user names the file. A key
// that this list does not know is one.
func (f *File) wider() Problems {
	var found Problems
	tell := func(at Position, path string) {
		found = append(found, &Problem{File: f.Path, Position: at, Path: path, Unnamed: true,
			Text: "it counts only in a file that --config names, and airlock found this one in the folder",
			Hint: "if the file is yours, name it: airlock serve --config " + f.Path +
				"\na folder's own file may have a loopback listen and a data_dir inside the folder"})
	}
	for _, key := range namesOf(&f.Config) {
		if at, ok := f.keys[key]; ok && !slices.Contains(narrow, key) {
			tell(at, key)
		}
	}
	for _, key := range namesOf(&f.Serve) {
		at, ok := f.Serve.keys[key]
		if allowed := narrowServe[key]; ok && (allowed == nil || !allowed(f)) {
			tell(at, join("serve", key))
		}
	}
	return found
}

// inside reports whether a path, relative to dir or absolute, names something
// below dir. Links are not followed: whoever opens the path sees to them.
func inside(dir, path string) bool {
	if filepath.IsAbs(path) {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return false
		}
		if path, err = filepath.Rel(abs, path); err != nil {
			return false
		}
	}
	path = filepath.Clean(path)
	return filepath.IsLocal(path) && path != "."
}

// Filled refuses what the variables of a folder fill in of how airlock serves.
// f is a file that the user names, alone the same file as it reads with the
// process environment only; nil is one that cannot be read so.
func (f *File) Filled(alone *File) error {
	if alone == nil {
		alone = &File{}
	}
	var found Problems
	with, without := reflect.ValueOf(f.Serve), reflect.ValueOf(alone.Serve)
	for i := range with.NumField() {
		key := with.Type().Field(i).Tag.Get("yaml")
		if key == "" || reflect.DeepEqual(with.Field(i).Interface(), without.Field(i).Interface()) {
			continue
		}
		found = append(found, &Problem{File: f.Path, Position: f.Serve.At(key), Path: join("serve", key),
			Text: "a variable that the folder sets fills it in",
			Hint: "set the variable in the environment that airlock runs in"})
	}
	if found == nil {
		return nil
	}
	found.Sort()
	return found
}
