package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/airlock-secrets/airlock"

// pkg is what `go list` says of a package. Imports leaves tests out.
type pkg struct {
	ImportPath string
	Imports    []string
}

// rule speaks of the packages that match of.
type rule struct {
	name string
	// of are patterns of packages within the module, as path.Match has them;
	// "." is the root package. but takes some of them out.
	of, but []string
	// only lists the packages of the module that may be imported; nil means
	// no restriction. never lists, in full or from the start of a path, what
	// may not be.
	only, never []string
	// std forbids everything outside the module and the standard library.
	std bool
}

var (
	drivers   = []string{"store/*store", "store/*/*"}
	testKits  = []string{"store/storetest", "internal/facade/facadetest", "internal/baotest", "internal/mototest", "internal/pgtest", "internal/mariadbtest", "internal/vectors", "internal/vectors/*", "internal/azurefake", "internal/gcpfake", "internal/servertest"}
	wrappers  = []string{"store/cachestore", "store/cleanstore"}
	impure    = []string{"net", "net/http", "os", "log/slog"}
	assembled = []string{".", "internal/settings", "internal/stores", "internal/server", "internal/cli", "store/*store"}
)

// everywhere are packages that every other may import: what is shown of a
// person's text is decided in one place.
var everywhere = []string{"internal/excerpt"}

// rules is the picture of the layers: imports point downwards only.
var rules = []rule{
	{name: "pyjson stands on the standard library", of: []string{"airflow/pyjson"}, only: []string{}, std: true, never: impure},
	{name: "airflow is pure", of: []string{"airflow"}, only: []string{"airflow/pyjson"}, std: true, never: impure},
	{name: "dialects are pure", of: []string{"airflow/dialect"}, only: []string{"airflow", "airflow/pyjson", "airflow/pyregex", "store"}, std: true, never: impure},
	{name: "the store contract knows nothing of ours", of: []string{"store"}, only: []string{}, std: true},
	{name: "a driver knows the contract, its wire and kwargs, and no other driver", of: drivers, but: slices.Concat(wrappers, testKits),
		only: []string{"store", "airflow/pyjson", "airflow/dialect", "airflow", "internal/wire/*", "internal/route", "internal/redact", "internal/awsconn", "internal/spelling", "internal/program", "internal/queue", "internal/diskfile", "internal/wait", "internal/login"}},
	{name: "what is removed from messages stands on the standard library", of: []string{"internal/redact"}, only: []string{}, std: true},
	{name: "the trust list knows no store", of: []string{"internal/trust"}, only: []string{"store", "internal/wholefile", "internal/diskfile", "internal/wait"}, std: true},
	{name: "what runs programs knows no store", of: []string{"internal/program"}, only: []string{"store", "internal/wait"}, std: true},
	{name: "a route knows no store", of: []string{"internal/route"}, only: []string{"store", "internal/diskfile"}, std: true},
	{name: "a wrapper knows the contract", of: wrappers, only: []string{"store", "airflow", "internal/redact"}},
	{name: "wire shapes stand on the standard library", of: []string{"internal/wire/*"}, only: []string{}, std: true},
	{name: "a facade reaches values through the gate", of: []string{"internal/facade/*"}, but: testKits, never: assembled},
	{name: "the gate does not know who assembles it", of: []string{"internal/gate", "internal/acl", "internal/audit"},
		never: []string{"internal/settings", "internal/stores", "internal/server", "internal/cli", "internal/facade/*", "store/*store"}},
	{name: "the journal knows the contract, the words of the gate and the log", of: []string{"internal/journal"},
		only: []string{"airflow", "airflow/dialect", "store", "internal/acl", "internal/audit"}},
	{name: "the library is assembled from settings and the table", of: []string{"."},
		only: []string{"airflow", "airflow/*", "store", "internal/settings", "internal/stores", "internal/redact", "internal/route", "internal/program", "internal/wait"}, std: true},
	{name: "settings know no store", of: []string{"internal/settings"}, only: []string{"airflow", "airflow/*", "store", "internal/program", "internal/diskfile"}},
	{name: "airlock.yaml knows no store", of: []string{"internal/config"}, only: []string{"airflow", "airflow/*", "store", "internal/spelling", "internal/hostname", "internal/diskfile"}},
	{name: "the check of a data folder opens no store", of: []string{"internal/datafolder"}, only: []string{"store"}, std: true},
	{name: "files are opened without knowing what for", of: []string{"internal/diskfile"}, only: []string{"internal/wait"}, std: true},
	{name: "waits stand on the standard library", of: []string{"internal/wait"}, only: []string{}, std: true},
	{name: "log-ins are shared whatever they are for", of: []string{"internal/login"}, only: []string{}},
	{name: "queues stand on the standard library", of: []string{"internal/queue"}, only: []string{}, std: true, never: impure},
	{name: "excerpts stand on the standard library", of: []string{"internal/excerpt"}, only: []string{"internal/spelling"}, std: true},
	{name: "host names stand on the standard library", of: []string{"internal/hostname"}, only: []string{}, std: true},
	{name: "a project is read without any store", of: []string{"internal/project"}, only: []string{"internal/diskfile", "internal/lazyregexp", "airflow", "airflow/*", "store", "internal/settings", "internal/config", "internal/spelling", "internal/program"}},
	{name: "rendering and scanning know no store", of: []string{"internal/render", "internal/dagscan"}, only: []string{"internal/diskfile", "internal/lazyregexp", "internal/program", "airflow", "airflow/*"}},
	{name: "rules ask no store", of: []string{"internal/check"},
		only: []string{"internal/diskfile", "internal/wholefile", "internal/lazyregexp", "airflow", "airflow/*", "store", "internal/project", "internal/dagscan", "internal/connlint", "internal/stores", "internal/settings", "internal/config", "internal/spelling", "internal/render"}},
	{name: "a connection's text is looked at without any store", of: []string{"internal/connlint"}, only: []string{"internal/lazyregexp", "airflow", "airflow/*", "store"}},
	{name: "only the table and the assembly import drivers", of: []string{".", "*", "*/*", "*/*/*"},
		but: slices.Concat([]string{"internal/stores", "internal/cli", "internal/server", "internal/client"}, drivers, testKits), never: []string{"store/*store"}},
	{name: "main only calls the command line", of: []string{"cmd/airlock"}, only: []string{"internal/cli"}, std: true},
	{name: "test kits are for tests", of: []string{".", "*", "*/*", "*/*/*"}, but: testKits, never: testKits},
}

// vendors are the services' own clients: each is at home in one driver.
var vendors = []string{
	"github.com/openbao/openbao/api", "github.com/hashicorp/vault/api", "github.com/aws/aws-sdk-go-v2",
	"cloud.google.com/go", "google.golang.org/api", "github.com/Azure/azure-sdk-for-go",
	"github.com/jackc/pgx", "github.com/go-sql-driver/mysql",
}

// shared are the homes of a client that serves several drivers, or sets a
// store up.
var shared = map[string][]string{
	"github.com/openbao/openbao/api": {"internal/setup"},
	"github.com/aws/aws-sdk-go-v2":   {"internal/awsconn", "store/ssmstore", "store/secretsmanagerstore", "internal/setup"},
}

func TestLayers(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 10 {
		t.Fatalf("go list found %d packages only", len(pkgs))
	}
	for _, p := range pkgs {
		for _, broken := range check(p) {
			t.Error(broken)
		}
	}
	for _, broken := range vendorHomes(pkgs) {
		t.Error(broken)
	}
}

// TestRulesBite shows each rule a package that breaks it.
func TestRulesBite(t *testing.T) {
	tests := []struct{ pkg, imports, rule string }{
		{"airflow/pyjson", "airflow", "pyjson stands on the standard library"},
		{"airflow", "store", "airflow is pure"},
		{"airflow", "!os", "airflow is pure"},
		{"airflow", "!golang.org/x/text", "airflow is pure"},
		{"airflow/dialect", "!net/http", "dialects are pure"},
		{"store", "airflow", "the store contract knows nothing of ours"},
		{"store/vaultstore", "store/memstore", "a driver knows the contract, its wire and kwargs, and no other driver"},
		{"store/cachestore", "store/memstore", "a wrapper knows the contract"},
		{"internal/redact", "store", "what is removed from messages stands on the standard library"},
		{"internal/route", "store/vaultstore", "a route knows no store"},
		{"internal/trust", "internal/settings", "the trust list knows no store"},
		{"internal/wire/vault", "store", "wire shapes stand on the standard library"},
		{"internal/facade/vault", ".", "a facade reaches values through the gate"},
		{"internal/facade/vault", "store/sqlstore", "a facade reaches values through the gate"},
		{"internal/gate", "internal/facade/vault", "the gate does not know who assembles it"},
		{"internal/journal", "store/sqlstore", "the journal knows the contract, the words of the gate and the log"},
		{".", "store/envstore", "the library is assembled from settings and the table"},
		{"internal/settings", "internal/stores", "settings know no store"},
		{"internal/config", "internal/stores", "airlock.yaml knows no store"},
		{"internal/datafolder", "store/sqlstore", "the check of a data folder opens no store"},
		{"internal/wait", "store", "waits stand on the standard library"},
		{"internal/diskfile", "store", "files are opened without knowing what for"},
		{"internal/login", "store", "log-ins are shared whatever they are for"},
		{"internal/queue", "store", "queues stand on the standard library"},
		{"internal/excerpt", "airflow", "excerpts stand on the standard library"},
		{"internal/hostname", "internal/config", "host names stand on the standard library"},
		{"internal/project", "internal/stores", "a project is read without any store"},
		{"internal/render", ".", "rendering and scanning know no store"},
		{"internal/check", "internal/live", "rules ask no store"},
		{"internal/gate", "store/memstore", "only the table and the assembly import drivers"},
		{"cmd/airlock", "internal/server", "main only calls the command line"},
		{"internal/cli", "internal/baotest", "test kits are for tests"},
	}
	for _, tt := range tests {
		imported := module + "/" + tt.imports
		if tt.imports == "." {
			imported = module
		}
		if outside, ok := strings.CutPrefix(tt.imports, "!"); ok {
			imported = outside
		}
		found := check(pkg{ImportPath: path.Join(module, tt.pkg), Imports: []string{imported}})
		if !slices.ContainsFunc(found, func(s string) bool { return strings.HasSuffix(s, tt.rule) }) {
			t.Errorf("%s importing %s does not break %q: %v", tt.pkg, tt.imports, tt.rule, found)
		}
	}
	home := []pkg{
		{ImportPath: module + "/store/vaultstore", Imports: []string{"github.com/openbao/openbao/api/v2"}},
		{ImportPath: module + "/internal/cli", Imports: []string{"github.com/openbao/openbao/api/v2"}},
	}
	if len(vendorHomes(home)) != 1 || len(vendorHomes(home[:1])) != 0 {
		t.Errorf("vendorHomes = %v", vendorHomes(home))
	}
}

// check returns what is wrong with p's imports.
func check(p pkg) []string {
	var broken []string
	self := within(p.ImportPath)
	for _, r := range rules {
		if !matches(r.of, self) || matches(r.but, self) {
			continue
		}
		for _, imported := range p.Imports {
			if r.forbids(imported) {
				broken = append(broken, p.ImportPath+" imports "+imported+": "+r.name)
			}
		}
	}
	return broken
}

func (r rule) forbids(imported string) bool {
	ours := imported == module || strings.HasPrefix(imported, module+"/")
	if !ours {
		first, _, _ := strings.Cut(imported, "/")
		return r.std && strings.Contains(first, ".") || slices.Contains(r.never, imported)
	}
	name := within(imported)
	return r.only != nil && !matches(r.only, name) && !slices.Contains(everywhere, name) || matches(r.never, name)
}

// vendorHomes returns which packages beside a single driver use a service's
// own client outside of tests.
func vendorHomes(pkgs []pkg) []string {
	var broken []string
	for _, vendor := range vendors {
		home := ""
		for _, p := range pkgs {
			uses := slices.ContainsFunc(p.Imports, func(s string) bool { return s == vendor || strings.HasPrefix(s, vendor+"/") })
			switch self := within(p.ImportPath); {
			case !uses, matches(testKits, self), matches(shared[vendor], self):
			case !matches(drivers, self) || home != "":
				broken = append(broken, p.ImportPath+" uses "+vendor+", which belongs in one driver")
			default:
				home = self
			}
		}
	}
	return broken
}

func within(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, name); return ok })
}

func list(t *testing.T) []pkg {
	t.Helper()
	touch(t)
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

// touch looks at every Go file of the module itself: go test keeps a result
// for as long as what the test process has opened stays the same, and knows
// nothing of what go list reads.
func touch(t *testing.T) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir():
			_, err = os.ReadDir(path)
		case strings.HasSuffix(path, ".go"):
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
