package dagscan

import (
	"embed"
	"io/fs"
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
