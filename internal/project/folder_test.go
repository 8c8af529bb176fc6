package project

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func fileLines(p *Project) []string {
	var lines []string
	for _, f := range p.Files {
		line := f.Path + " " + string(f.Kind)
		if f.Tracked {
			line += " tracked"
		}
		if f.Ignored {
			line += " ignored"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestFiles(t *testing.T) {
	p := readFolder(t, map[string]string{
		"dags/a/b.py": "", "dags/x.txt": "", "plugins/c.py": "", ".git/config": "", "node_modules/requirements.txt": "x",
		".env.example": "A=<b>", "sample.env": "", "dags/example.py": "", "prod.env": "A=1", "charts/templates/x.yaml": "apiVersion: v1\nkind: {{ x }}\n", "README.md": "x",
		".gitignore": ".env", "airlock.yaml": "", "sub/Dockerfile": "FROM x", "requirements/dev.txt": "a", "data.json": "{}", "main.hcl": "a = 1",
	})
	compare(t, "files", fileLines(p), []string{
		".gitignore .gitignore", "README.md document", "airlock.yaml airlock.yaml", "dags/a/b.py DAG", "dags/example.py DAG", "prod.env export",
		"requirements/dev.txt requirements", "sub/Dockerfile Dockerfile",
	})
	compare(t, "problems", problemLines(p), nil)
}

func TestSingleFile(t *testing.T) {
	for _, c := range []struct {
		path, text, kind, environment string
	}{
		{".env", "A=1", ".env", "astro project"},
		{"prod.env", "A=1", "export", "prod.env"},
		{"settings.txt", "A=1", ".env", "settings.txt"},
		{"image", "FROM x\nENV A=1", "Dockerfile", "image"},
		{"my.cfg", "[a]\nb=1", "airflow.cfg", "my.cfg"},
		{"prod.yaml", "env:\n- {name: AIRFLOW_A, value: b}\nimages: {}\n", "Helm values", ""},
		{"my-values.yaml", "env:\n- {name: AIRFLOW_A, value: b}\n", "Helm values", "my-values.yaml"},
		{"x.py", "", "DAG", ""},
	} {
		t.Run(c.path, func(t *testing.T) {
			dir := folderOf(t, map[string]string{c.path: c.text, "Dockerfile": "FROM x\nENV OTHER=1"})
			p, err := Read(t.Context(), Options{Path: filepath.Join(dir, c.path)})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "files", fileLines(p), []string{c.path + " " + c.kind})
			var names []string
			for _, env := range p.Environments {
				names = append(names, env.Name)
			}
			compare(t, "environments", names, notEmpty(c.environment))
		})
	}
}

func TestNothingThere(t *testing.T) {
	if _, err := Read(t.Context(), Options{Path: filepath.Join(t.TempDir(), "no")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Read of nothing: %v", err)
	}
	p := readFolder(t, nil)
	if len(p.Files) != 0 || len(p.Environments) != 0 || p.Git {
		t.Errorf("an empty folder: %+v", p)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Read(ctx, Options{Path: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read after the end: %v", err)
	}
}

func TestProcessEnvironment(t *testing.T) {
	dir := folderOf(t, map[string]string{".env": "A=file\nB=$C\nD\n"})
	environ := []string{"A=first", "C=c", "A=process", "D=d\nd", "broken"}
	p, err := Read(t.Context(), Options{Path: dir, Environ: environ, Process: true})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "environments", environmentLines(p), []string{
		"[astro project, process environment]", "D=d\nd exact@0 | environment:4:3 d\nd", "A=process exact@0 | environment:3:3 process",
		"C=c exact@0 | environment:2:3 c", "A=first exact@0 | environment:1:3 first",
		"D=d\nd | .env:3:2 ", "B=c | .env:2:3 $C", "A=file exact@0 | .env:1:3 file",
	})
	if got := p.Environments[0].Lookup("A").Value; got != "process" {
		t.Errorf("A = %q", got)
	}
	p, err = Read(t.Context(), Options{Path: dir, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "without the process", environmentLines(p), []string{
		"[astro project, .env]", "D=d\nd | .env:3:2 ", "B=c | .env:2:3 $C", "A=file exact@0 | .env:1:3 file",
	})
}

// TestHostileFolder reads nothing that leads out of the folder, that blocks,
// or that is too large.
func TestHostileFolder(t *testing.T) {
	outside := folderOf(t, map[string]string{"secret.env": "A=CANARY-1", "dags/x.py": ""})
	dir := folderOf(t, map[string]string{
		"requirements.txt": "a\x00b", "airflow.cfg": strings.Repeat("#", mostFile+1), "Dockerfile": "FROM x\nENV A=\xff\n", "sub/real.env": "IN=1",
	})
	for name, to := range map[string]string{
		".env": filepath.Join(outside, "secret.env"), "loop": ".", "up": "..", "dags": filepath.Join(outside, "dags"),
		"b.env": "b.env", "c.env": "sub/real.env", "d.env": "../" + filepath.Base(outside) + "/secret.env",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.env"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Read(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "environments", environmentLines(p), []string{
		"[c.env, export]", "IN=1 exact@0 | c.env:1:4 1", "[sub/real.env, export]", "IN=1 exact@0 | sub/real.env:1:4 1",
	})
	var unread []string
	for _, problem := range p.Problems {
		if problem.Rule == "" {
			unread = append(unread, problem.Span.Path())
		}
	}
	compare(t, "unread", unread, []string{".env", "Dockerfile", "airflow.cfg", "b.env", "d.env", "pipe.env", "requirements.txt"})
	for _, f := range p.Files {
		if strings.Contains(f.Text, "CANARY") {
			t.Errorf("%s was read from outside of the folder", f.Path)
		}
	}
}

func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 21 {
		sub := filepath.Join(dir, "dags", fmt.Sprint(i))
		if err := os.MkdirAll(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		for j := range 1000 {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("%d.py", j)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := Read(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Files) != mostFiles || len(p.Problems) != 1 {
		t.Errorf("%d files, problems: %v", len(p.Files), problemLines(p))
	}
}

func TestGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git is not here: ", err)
	}
	marker := filepath.Join(t.TempDir(), "ran")
	dir := folderOf(t, map[string]string{
		"p/.env": "A=1", "p/Dockerfile": "FROM x", "p/.gitignore": "*.env\n", "p/prod.env": "A=1", "p/dags/a.py": "", "p/dags/b.py": "",
		"hooks/run": "#!/bin/sh\ntouch " + marker + "\n",
	})
	if err := os.Chmod(filepath.Join(dir, "hooks/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "-f", "p/.env", "p/Dockerfile", "p/dags/a.py"},
		{"config", "core.fsmonitor", filepath.Join(dir, "hooks/run")}, {"config", "core.hooksPath", filepath.Join(dir, "hooks")},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
	p, err := Read(t.Context(), Options{Path: filepath.Join(dir, "p")})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Git {
		t.Error("Git is not set")
	}
	compare(t, "files", fileLines(p), []string{
		".env .env tracked ignored", ".gitignore .gitignore", "Dockerfile Dockerfile tracked", "dags/a.py DAG tracked", "dags/b.py DAG", "prod.env export ignored",
	})
	if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
		t.Error("a program that the repository names was run")
	}
}
