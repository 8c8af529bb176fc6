package archtest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// programHomes are the packages that may start programs, and programFiles the
// one file besides: it becomes what the user typed.
var (
	programHomes = append([]string{"internal/program", "bench"}, testKits...)
	programFiles = []string{"internal/cli/exec.go"}
)

// starters are the ways to start a program, or to load code.
var starters = map[string][]string{
	"os/exec":                     nil, // all of it
	"plugin":                      nil,
	"golang.org/x/sys/execabs":    nil,
	"golang.org/x/sys/unix":       {"Exec"},
	"os":                          {"StartProcess"},
	"syscall":                     {"Exec", "ForkExec", "StartProcess", "Syscall", "Syscall6", "RawSyscall", "RawSyscall6", "RawSyscallNoError"},
	"github.com/pkg/browser":      nil,
	"github.com/atotto/clipboard": nil,
}

// foreign are packages of others in the program that could start one, and why
// they do not.
var foreign = map[string]string{
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity": "its log-ins by az, azd and pwsh are not used: store/azurestore has its own",
	"golang.org/x/oauth2/google/externalaccount":       "it gets the subject's token from store/gcpstore, and no executable",
	"github.com/pkg/browser":                           "azidentity opens one for a log-in that is not used",
	"github.com/charmbracelet/colorprofile":            "asks tmux what colours it has, by the process environment",
	"charm.land/bubbletea/v2":                          "only where it is asked to, which airlock does not",
	"charm.land/huh/v2":                                "opens the user's own EDITOR for a field that airlock does not have",
	"github.com/atotto/clipboard":                      "reads the clipboard where the user pastes",
	"github.com/hashicorp/go-sockaddr":                 "finds the machine's routes, for templates that are not used",
	"modernc.org/libc":                                 "C's system(), which SQLite does not call",
}

// TestProgramsAreRunInOnePlace: a program that is started anywhere else is one
// that nobody has asked whose word it is.
func TestProgramsAreRunInOnePlace(t *testing.T) {
	eachSource(t, func(rel string) bool {
		return matches(programHomes, path.Dir(rel)) || slices.Contains(programFiles, rel)
	},
		func(rel string, f *ast.File) {
			for _, used := range startersIn(f) {
				t.Errorf("%s uses %s: programs are run by internal/program", rel, used)
			}
		})
}

// eachSource gives see each file of the project's own code, without its tests
// and what is passed over, by its path from the root.
func eachSource(t *testing.T, over func(rel string) bool, see func(rel string, f *ast.File)) {
	t.Helper()
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); over(rel) {
			return nil
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		see(rel, parsed)
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("looked at %d files: %v", files, err)
	}
}

// startersIn lists what a file uses of the starters. One that is imported
// under another name, or into the file's own names, is found too.
func startersIn(f *ast.File) []string {
	var found []string
	names := map[string]string{} // in the file -> import path
	for _, i := range f.Imports {
		of, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		only, ok := starters[of]
		name := path.Base(of)
		if i.Name != nil {
			name = i.Name.Name
		}
		switch {
		case ok && (only == nil || name == "."):
			found = append(found, of)
		case ok:
			names[name] = of
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && slices.Contains(starters[names[x.Name]], s.Sel.Name) {
			found = append(found, names[x.Name]+"."+s.Sel.Name)
		}
		return true
	})
	for _, group := range f.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:linkname") {
				found = append(found, "go:linkname")
			}
		}
	}
	return found
}

// TestStartersAreFound shows the test above what it must see.
func TestStartersAreFound(t *testing.T) {
	for text, want := range map[string]string{
		`import "os/exec"; var _ = exec.Command`:                         "os/exec",
		`import e "os/exec"; var _ = e.Command`:                          "os/exec",
		`import . "os"; var _ = StartProcess`:                            "os",
		`import "os"; func f() { os.StartProcess("", nil, nil) }`:        "os.StartProcess",
		`import s "syscall"; func f() { s.Exec("", nil, nil) }`:          "syscall.Exec",
		`import "golang.org/x/sys/unix"; func f() { unix.Exec(a, b, c)}`: "golang.org/x/sys/unix.Exec",
		`import "plugin"; var _ = plugin.Open`:                           "plugin",
		"import \"os\"; var _ = os.Getenv":                               "",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x; "+text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(startersIn(f), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestForeignPrograms: a dependency that can start programs is a decision.
func TestForeignPrograms(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Standard", module+"/cmd/airlock")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
			Standard   bool
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Standard || strings.HasPrefix(p.ImportPath, module) || !slices.Contains(p.Imports, "os/exec") {
			continue
		}
		seen[p.ImportPath] = true
		if foreign[p.ImportPath] == "" {
			t.Errorf("%s can start programs: see that it does not, and say why", p.ImportPath)
		}
	}
	for name := range foreign {
		if !seen[name] {
			t.Errorf("%s no longer starts programs", name)
		}
	}
}
