package project

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestHostileRepository: whatever a repository's own configuration names is not
// run, and nothing is fetched that it says it lacks.
func TestHostileRepository(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	program := filepath.Join(t.TempDir(), "run")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ntouch "+marker+"\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	more := filepath.Join(t.TempDir(), "more")
	if err := os.WriteFile(more, []byte("[core]\n\tfsmonitor = "+program+"\n[safe]\n\tdirectory = *\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config [][2]string
		spoil  func(t *testing.T, dir string)
	}{
		{"programs", [][2]string{
			{"core.fsmonitor", program}, {"core.hooksPath", filepath.Dir(program)}, {"core.pager", program}, {"core.editor", program}, {"core.sshCommand", program},
			{"core.askPass", program}, {"core.gitProxy", program}, {"pager.ls-files", program}, {"pager.check-ignore", program}, {"alias.ls-files", "!" + program},
			{"alias.check-ignore", "!" + program}, {"credential.helper", "!" + program}, {"diff.external", program}, {"filter.x.process", program}, {"filter.x.clean", program},
			{"filter.x.smudge", program}, {"uploadpack.packObjectsHook", program}, {"interactive.diffFilter", program}, {"gpg.program", program}, {"trace2.eventTarget", marker},
		}, nil},
		{"a file that is included", [][2]string{{"include.path", more}}, nil},
		{"another work tree", [][2]string{{"core.worktree", os.TempDir()}}, nil},
		{"a partial clone", [][2]string{
			{"core.repositoryFormatVersion", "1"}, {"extensions.partialClone", "origin"}, {"remote.origin.url", "ext::" + program + " %S"}, {"remote.origin.promisor", "true"},
			{"remote.origin.uploadpack", program}, {"remote.origin.vcs", "ext"}, {"protocol.allow", "always"}, {"protocol.ext.allow", "always"}, {"core.sparseCheckout", "true"},
			{"core.sparseCheckoutCone", "true"}, {"index.sparse", "true"},
		}, func(t *testing.T, dir string) {
			run(t, dir, "sparse-checkout", "set", "--cone", "--sparse-index", "kept")
			for _, tree := range strings.Fields(run(t, dir, "rev-parse", "HEAD:sub")) {
				if err := os.Remove(filepath.Join(dir, ".git/objects", tree[:2], tree[2:])); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"a .git that is a file", nil, func(t *testing.T, dir string) {
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			if err := os.Rename(filepath.Join(dir, ".git"), elsewhere); err != nil {
				t.Fatal(err)
			}
			run(t, elsewhere, "--git-dir=.", "config", "core.fsmonitor", program)
			if err := os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: "+elsewhere+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"a .git that names nothing", nil, func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, ".git"), filepath.Join(dir, "git")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: "+strings.Repeat("x/", 5000)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folderOf(t, map[string]string{".env": "A=1", ".gitattributes": "* filter=x diff=x\n", "sub/x.env": "A=1", "kept/x.env": "A=1", "dags/a.py": ""})
			run(t, dir, "init", "-q")
			run(t, dir, "add", "-f", ".")
			run(t, dir, "-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "-m", "x")
			if c.spoil != nil && c.config != nil {
				c.spoil(t, dir)
			}
			for _, pair := range c.config {
				run(t, dir, "config", pair[0], pair[1])
			}
			if c.spoil != nil && c.config == nil {
				c.spoil(t, dir)
			}
			if _, err := Read(t.Context(), Options{Path: dir}); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
				_ = os.Remove(marker)
				t.Error("a program that the repository names was run")
			}
		})
	}
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v %s", args, err, out)
	}
	return string(out)
}
