package project

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/program"
)

const (
	mostGit    = 32 << 20 // bytes that git may print
	longestGit = 10 * time.Second
)

// git asks git which files it has and which it ignores. Nothing that the
// repository configures is run: no hook, no monitor of the file system.
// Without git, or in a folder whose owner git does not trust, the folder
// counts as one without a repository.
func (r *reader) git(ctx context.Context) {
	top, ok := repository(r.project.Dir)
	if !ok {
		return
	}
	tracked, ok := runGit(ctx, r.project.Dir, top, nil, "ls-files", "-z", "--cached")
	if !ok {
		return
	}
	r.project.Git = true
	byPath := map[string]*File{}
	var asked bytes.Buffer
	for _, f := range r.project.Files {
		if f.Kind == Process {
			continue
		}
		byPath[f.Path] = f
		if f.Kind != DAG {
			asked.WriteString(f.Path)
			asked.WriteByte(0)
		}
	}
	for _, name := range tracked {
		if f := byPath[name]; f != nil {
			f.Tracked = true
		}
	}
	if asked.Len() == 0 {
		return
	}
	ignored, _ := runGit(ctx, r.project.Dir, top, &asked, "check-ignore", "-z", "--stdin", "--no-index")
	for _, name := range ignored {
		if f := byPath[name]; f != nil {
			f.Ignored = true
		}
	}
}

// repository returns the folder of the repository that dir is in.
func repository(dir string) (top string, ok bool) {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// runGit returns the paths that git prints, and whether it could be asked: a
// git that lies in the repository itself is not. check-ignore ends with 1 where
// it prints none.
func runGit(ctx context.Context, dir, top string, in io.Reader, args ...string) ([]string, bool) {
	path, err := program.Find("git", os.Environ(), top)
	if err != nil {
		return nil, false
	}
	// A bare repository among the files of another would bring a
	// configuration of its own.
	safe := []string{path, "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false",
		"-c", "safe.bareRepository=explicit", "-c", "submodule.recurse=false"}
	out, err := program.Command{Word: program.Fixed, What: "git", Args: append(safe, args...), Environ: gitEnviron(), Dir: dir, In: in,
		Limit: mostGit, Timeout: longestGit}.Output(ctx)
	if err != nil {
		return nil, false
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), true
}

// gitEnviron leaves out what would point git at another repository. The
// user's own configuration stays: it says what is ignored everywhere. No
// protocol is allowed: a git that does not know GIT_NO_LAZY_FETCH would fetch
// what a partial clone lacks, by a program that the repository names.
func gitEnviron() []string {
	env := []string{"GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C"}
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
