package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// openers are the functions of os, and the methods of *os.Root, that open
// whatever has a name, and may wait for it. os.CreateTemp makes a file that
// nobody else has.
var openers = []string{"Open", "OpenFile", "OpenInRoot", "ReadFile", "Create", "WriteFile"}

// fileHomes are the files that may use them, and why.
var fileHomes = map[string]string{
	"internal/diskfile/diskfile.go":   "the one place",
	"internal/wholefile/wholefile.go": "it makes a new file, under a name that nobody can guess",
	"internal/server/hangup.go":       "it asks whether there is a terminal, without waiting",
}

// TestFilesAreOpenedInOnePlace: an open anywhere else is one that may wait for
// a pipe, or read a device without an end.
func TestFilesAreOpenedInOnePlace(t *testing.T) {
	seen := map[string]bool{}
	eachSource(t, func(rel string) bool { return matches(testKits, path.Dir(rel)) || path.Dir(rel) == "bench" },
		func(rel string, f *ast.File) {
			for _, used := range openersIn(f) {
				if seen[rel] = true; fileHomes[rel] == "" {
					t.Errorf("%s uses %s: files are opened by internal/diskfile", rel, used)
				}
			}
		})
	for name := range fileHomes {
		if !seen[name] {
			t.Errorf("%s no longer opens a file by itself", name)
		}
	}
}

// openersIn lists what a file uses of the openers: of os by whatever name it is
// imported, and of what is called root.
func openersIn(f *ast.File) []string {
	var found []string
	of := "os"
	for _, i := range f.Imports {
		if i.Path.Value == `"os"` && i.Name != nil {
			of = i.Name.Name
		}
		if i.Path.Value == `"io/ioutil"` || i.Path.Value == `"os"` && of == "." {
			found = append(found, i.Path.Value)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(openers, s.Sel.Name) {
			return true
		}
		of := []string{of, "root"}
		switch x := s.X.(type) {
		case *ast.Ident:
			if slices.Contains(of, x.Name) {
				found = append(found, x.Name+"."+s.Sel.Name)
			}
		case *ast.SelectorExpr:
			if x.Sel.Name == "root" {
				found = append(found, "root."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}

// TestOpenersAreFound shows the test above what it must see.
func TestOpenersAreFound(t *testing.T) {
	for text, want := range map[string]string{
		`import "os"; var _, _ = os.Open("x")`:                        "os.Open",
		`import o "os"; var _ = o.ReadFile`:                           "o.ReadFile",
		`import . "os"`:                                               `"os"`,
		`import "io/ioutil"`:                                          `"io/ioutil"`,
		`import "os"; func f(root *os.Root) { root.OpenFile("x") }`:   "root.OpenFile",
		`type s struct{ root int }; func (x s) f() { x.root.Open() }`: "root.Open",
		`import "os"; var _ = os.CreateTemp`:                          "",
		`import "x/diskfile"; var _ = diskfile.Open`:                  "",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x; "+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(openersIn(f), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
