package program

import (
	"cmp"
	"errors"
	"path/filepath"

	"github.com/airlock-secrets/airlock/store"
)

// Word says whose word a setting is. The zero value is nobody's.
type Word struct {
	// User is set where the setting is the user's own word.
	User bool
	// Where is the place of the setting, for people: ".env:3". It holds no
	// value.
	Where string
}

// And joins the words of two settings that both have a say: w, unless only
// other is not the user's.
func (w Word) And(other Word) Word {
	if w.User && !other.User {
		return other
	}
	return w
}

// Fixed is the word of a command that airlock names itself, program and
// arguments. Nothing that a folder says may stand in it but as a value.
var Fixed = Word{User: true, Where: "airlock"}

// ErrNotRun is what every [NotRunError] is.
var ErrNotRun = errors.New("the program was not run")

// NotRunError is the cause where a program is not run because somebody else
// than the user names or permits it. What is the program's part, Where the
// place of the setting, never what stands there.
type NotRunError struct{ What, Where string }

// Error says which setting it is, and who may say so.
func (e *NotRunError) Error() string {
	return "airlock did not run " + e.What + ": " + e.Where + " has a say in it, and airlock runs a program only where the " +
		"process environment, or a file of your own outside the folder, says so"
}

// Is makes it ErrNotRun.
func (e *NotRunError) Is(target error) bool { return target == ErrNotRun }

// refused is the error for a program that what describes.
func (w Word) refused(what string) error {
	return &store.Error{Op: "run " + what, Code: store.Denied, Err: &NotRunError{What: what, Where: cmp.Or(w.Where, "a file of the folder")},
		Hint: "if you trust it, set all of it in the environment that airlock runs in; a file that it names must lie outside the folder"}
}

// Words are the words of all settings of one store, and what its programs
// get. The zero value runs nothing.
type Words struct {
	// Variable says whose word a variable of the environment is; of one that
	// is not set, whose word its default is. Nil: nobody's.
	Variable func(name string) Word
	// Kwargs is the word of the kwargs, all of them.
	Kwargs Word
	// Environ is the environment of the process, as os.Environ gives it: all
	// that programs get. Nil is empty.
	Environ []string
	// Home is the user's home folder, in which programs run; empty: "/".
	Home string
	// Folder is the folder that somebody else may have written, as an absolute
	// path: its files are not the user's, whoever names them. Empty: any file
	// may be of the folder.
	Folder string
}

// Named is the word of a variable, or of its default.
func (w Words) Named(variable string) Word {
	if w.Variable == nil {
		return Word{Where: variable}
	}
	return w.Variable(variable)
}

// File is the word of what stands in the file at path, an absolute one, which
// a setting names: that of the setting, unless the file lies in the folder.
func (w Words) File(path string, named Word) Word {
	if named.User && w.holds(path) {
		return Word{Where: path}
	}
	return named
}

// holds tells whether a file lies in the folder. A folder that holds the
// user's home is nobody's project: what lies there is told by other means.
func (w Words) holds(path string) bool {
	switch {
	case w.Folder == "" || !filepath.IsAbs(path):
		return true
	case w.Home != "" && Inside(w.Folder, w.Home):
		return false
	}
	return Inside(w.Folder, path)
}

// dir is where programs run. It is not the folder: many a program loads code
// from the one that it is started in.
func (w Words) dir() string {
	if filepath.IsAbs(w.Home) {
		return w.Home
	}
	return "/"
}

// Command is a command with what the programs of a store get: Environ, the
// variables of more after it, in the user's home. what is the program's part,
// for errors.
func (w Words) Command(word Word, what string, args []string, more ...string) Command {
	return Command{Word: word, What: what, Args: args, Dir: w.dir(), Environ: append(append([]string{}, w.Environ...), more...)}
}

// Inside tells whether path is folder or lies in it, by its name or by where
// links lead.
func Inside(folder, path string) bool {
	under := func(folder, path string) bool {
		rel, err := filepath.Rel(folder, path)
		return err == nil && filepath.IsLocal(rel)
	}
	return under(folder, path) || under(real(folder), real(path))
}

// real is the path without links, as far as there is something there.
func real(path string) string {
	if at, err := filepath.EvalSymlinks(path); err == nil {
		return at
	}
	if up := filepath.Dir(path); up != path {
		return filepath.Join(real(up), filepath.Base(path))
	}
	return path
}
