package check_test

// The corpus: testdata/projects holds one small project in each .txtar file,
// named after the rule it is about (RULE.txtar, RULE-variant.txtar), clean-*
// for correct projects, which have no finding, and guide-* for configurations
// as a published guide prints them.
//
// The files of the archive are the project's files. The last one is named
// "want" and holds the expected findings, sorted, one on a line:
//
//	path:line:col rule severity
//
// (path is "environment" for the process environment). It is written by
//
//	go test ./internal/check -run TestProjects/NAME -update
//
// The comment before the first file is prose, and lines of these forms:
//
//	git: PATH...           makes the folder a git repository that tracks the
//	                       files; without a PATH it tracks none
//	path: FILE             what is checked: a file or folder of the project,
//	                       not the whole
//	environ: NAME=value    one variable of the process environment
//	process: yes           the process environment is one of the sources
//	mode: PATH 0755        the mode of a file (0644 otherwise)
//
// Every value that is a secret starts with CANARY-: the test fails when a
// finding repeats one.

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/project"
)

var update = flag.Bool("update", false, "write the want of every project, and docs/checks.md")

const corpus = "testdata/projects"

func TestProjects(t *testing.T) {
	schema := sarifSchema(t)
	for _, name := range corpusNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := readCase(t, name)
			dir := c.unpack(t)
			found := c.check(t, dir)
			got := golden(found)
			if *update {
				c.write(t, got)
				return
			}
			if got != c.want {
				t.Errorf("findings of %s (-update rewrites them)\n got:\n%s\nwant:\n%s\n%s", name, got, c.want, told(found))
			}
			if strings.HasPrefix(name, "clean-") && got != "" {
				t.Errorf("%s has findings, but is a correct project", name)
			}
			validate(t, schema, found, check.Rules())
			c.mend(t, dir, found)
		})
	}
}

// golden is what "want" holds.
func golden(found []check.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s:%d:%d %s %s\n", f.File, f.Line, f.Column, f.Rule, f.Severity)
	}
	return b.String()
}

// told are the messages: they hold no secret, which is tested.
func told(found []check.Finding) string {
	var b strings.Builder
	for _, f := range found {
		if !strings.Contains(f.Message, canary) {
			fmt.Fprintf(&b, "%s:%d: %s\n", f.File, f.Line, f.Message)
		}
	}
	return b.String()
}

const canary = "CANARY-"

// noSecret fails when a finding repeats a secret. It prints none.
func noSecret(t *testing.T, found []check.Finding) {
	t.Helper()
	for _, f := range found {
		for part, text := range map[string]string{"message": f.Message, "airflow": f.Airflow, "fix": f.Fix} {
			if strings.Contains(text, canary) {
				t.Errorf("%s:%d: the %s of %s repeats a secret", f.File, f.Line, part, f.Rule)
			}
		}
	}
}

// projectCase is one file of the corpus.
type projectCase struct {
	name    string
	archive *txtar.Archive
	want    string
	path    string
	git     []string // files to track; nil for no repository
	environ []string
	process bool
	modes   map[string]os.FileMode // :: path -> mode
}

func corpusNames(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(corpus, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = strings.TrimSuffix(filepath.Base(path), ".txtar")
	}
	return names
}

func readCase(t *testing.T, name string) *projectCase {
	t.Helper()
	ar, err := txtar.ParseFile(filepath.Join(corpus, name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	c := &projectCase{name: name, archive: ar, modes: map[string]os.FileMode{}}
	if n := len(ar.Files); n > 0 && ar.Files[n-1].Name == "want" {
		c.want, ar.Files = string(ar.Files[n-1].Data), ar.Files[:n-1]
	} else if !*update {
		t.Errorf("%s has no want as its last file: -update writes it", name)
	}
	for line := range strings.Lines(string(ar.Comment)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			c.directive(t, key, strings.TrimSpace(value))
		}
	}
	return c
}

func (c *projectCase) directive(t *testing.T, key, value string) {
	t.Helper()
	switch key {
	case "git":
		c.git = append([]string{}, strings.Fields(value)...)
	case "path":
		c.path = value
	case "environ":
		c.environ = append(c.environ, value)
	case "process":
		c.process = value == "yes"
	case "mode":
		path, octal, _ := strings.Cut(value, " ")
		mode, err := strconv.ParseUint(octal, 8, 9)
		if err != nil {
			t.Fatalf("%s: mode: %v", c.name, err)
		}
		c.modes[path] = os.FileMode(mode)
	}
}

// unpack writes the project into a folder of its own.
func (c *projectCase) unpack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range c.archive.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, cmp.Or(c.modes[f.Name], 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if c.git != nil {
		runGit(t, dir, "init", "-q")
		if len(c.git) > 0 {
			runGit(t, dir, append([]string{"add", "-f", "--"}, c.git...)...)
		}
	}
	return dir
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v: %s", args[0], err, out)
	}
}

// check reads the project and applies all rules to it.
func (c *projectCase) check(t *testing.T, dir string) []check.Finding {
	t.Helper()
	environ := append([]string{"PATH=" + os.Getenv("PATH")}, c.environ...)
	path := filepath.Join(dir, filepath.FromSlash(c.path))
	found, err := check.Path(context.Background(), project.Options{Path: path, Environ: environ, Process: c.process})
	if err != nil {
		t.Fatal(err)
	}
	noSecret(t, found)
	return found
}

func (c *projectCase) write(t *testing.T, got string) {
	t.Helper()
	ar := *c.archive
	ar.Files = append(slices.Clone(ar.Files), txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(filepath.Join(corpus, c.name+".txtar"), txtar.Format(&ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEveryRuleHasAProject keeps a rule from being added without an example of
// what it finds.
func TestEveryRuleHasAProject(t *testing.T) {
	shown := map[string]bool{}
	for _, name := range corpusNames(t) {
		for line := range strings.Lines(readCase(t, name).want) {
			if words := strings.Fields(line); len(words) == 3 {
				shown[words[1]] = true
			}
		}
	}
	for _, rule := range check.Rules() {
		if rule.Find != nil && !shown[rule.ID] {
			t.Errorf("no project of %s shows what %s finds", corpus, rule.ID)
		}
	}
}
