package program

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mostFound bounds how many programs of one name All returns.
const mostFound = 8

// Find returns the path of a program: name itself where it has a slash, else
// the first of [All]. The error is ErrNotFound.
func Find(name string, environ []string, outside ...string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return name, nil
	}
	if found := All(name, environ, outside...); len(found) > 0 {
		return found[0], nil
	}
	return "", ErrNotFound
}

// All returns the programs of a name in the absolute folders of PATH in environ,
// in their order: what other folders mean depends on where airlock happens to
// run. Programs that lie in one of the folders outside do not count, nor do
// those that a link there leads to: a Python started by its name in a folder
// reads a file beside that name. The root folder is nobody's.
func All(name string, environ []string, outside ...string) []string {
	var found []string
	for _, dir := range filepath.SplitList(pathOf(environ)) {
		path := filepath.Join(dir, name)
		if !filepath.IsAbs(dir) || len(found) == mostFound ||
			slices.ContainsFunc(outside, func(folder string) bool { return folder != "/" && Inside(folder, path) }) {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			found = append(found, path)
		}
	}
	return found
}

// PathOnly is an environment of PATH alone.
func PathOnly(environ []string) []string { return []string{"PATH=" + pathOf(environ)} }

// pathOf is the PATH of an environment, the last one where it is there twice.
func pathOf(environ []string) string {
	found := ""
	for _, pair := range environ {
		if value, ok := strings.CutPrefix(pair, "PATH="); ok {
			found = value
		}
	}
	return found
}
