package dagscan

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed python/*.py
var parts embed.FS

// script joins the parts of the Python script, in the order of their names.
func script() (string, error) {
	names, err := fs.Glob(parts, "python/*.py")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range names {
		part, err := parts.ReadFile(name)
		if err != nil {
			return "", err
		}
		b.Write(part)
		b.WriteString("\n\n")
	}
	return b.String(), nil
}

// findPythons lists the python3 of the absolute folders of PATH: a relative one
// would let the project say which program runs.
func findPythons(environ []string) []string {
	var found []string
	for _, dir := range filepath.SplitList(pathOf(environ)) {
		if !filepath.IsAbs(dir) || len(found) == 8 {
			continue
		}
		path := filepath.Join(dir, "python3")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			found = append(found, path)
		}
	}
	return found
}

// pathOf is the PATH of an environment, the last one where it is there twice.
func pathOf(environ []string) string {
	found := ""
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			found = value
		}
	}
	return found
}
