package check

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/render"
)

func exposureRules() []Rule {
	return append([]Rule{{
		ID: "secret-in-image", Severity: Error, Title: "a Dockerfile writes a credential into the image",
		Why: "The value of an ENV line stands in the image's configuration and in its history: whoever may pull the image, or read the repository, reads it. " +
			"A placeholder there invites the next person to fill it in.",
		Find: findSecretsInImage,
	}, {
		ID: "env-tracked-by-git", Severity: Error, Title: "git tracks an environment file with a credential",
		Why:  "A file in git is in every clone, and in its history after it is deleted. Take it out of the index, add it to .gitignore, and make a new credential.",
		Find: func(s *Subject, report Report) { findInGit(s, report, true) },
	}, {
		ID: "env-not-ignored", Severity: Warning, Title: "an environment file with a credential is not in .gitignore",
		Why:  "The next git add takes the file, and the credential in it, into the repository.",
		Find: func(s *Subject, report Report) { findInGit(s, report, false) },
	}, {
		ID: "credentials-in-file", Severity: Error, Title: "a file that git tracks holds a credential",
		Why:  "A file in git is in every clone, and in its history after it is deleted.",
		Find: findCredentialsInFiles,
	}, {
		ID: "credentials-left-after-export", Severity: Warning, Title: "an export or a backup with credentials was left behind",
		Why:  "What was exported to be loaded elsewhere, a saved .env or a downloaded key file is needed once. Left in the folder it is copied, packed into images and added to git.",
		Find: findLeftBehind,
	}}, slices.Concat(markRules(), urlRules(), programRules())...)
}

// secretsOf lists the credentials that settings hold, in the order in which
// they stand in the files.
func secretsOf(s *Subject, of func(placed) bool, found func(p placed, what string, open bool)) {
	for _, h := range s.credentials() {
		if of(h.placed) {
			found(h.placed, h.what, h.open)
		}
	}
}

func inKind(kinds ...project.Kind) func(placed) bool {
	return func(p placed) bool {
		for _, kind := range kinds {
			if p.Key.File != nil && p.Key.File.Kind == kind {
				return true
			}
		}
		return false
	}
}

func findSecretsInImage(s *Subject, report Report) {
	secretsOf(s, inKind(project.Dockerfile), func(p placed, what string, open bool) {
		f := Finding{Span: p.Key, Message: fmt.Sprintf("%s: the image keeps %s for everybody who can pull it", excerpt.Word(p.Name), what),
			Fix: "take the ENV line out, and set " + excerpt.Word(p.Name) + " in .env (in .gitignore) for this machine and as a secret environment variable of the Deployment"}
		switch {
		case !p.Known:
			f.Message = fmt.Sprintf("%s: the image keeps %s, also where a build argument fills it in", p.Name, what)
		case open:
			f.Severity = Warning
			f.Message = fmt.Sprintf("%s: %s is to be filled in here, and the image will keep it", p.Name, what)
		}
		report(f)
	})
}

// findInGit looks at .env files and other files of environment variables.
func findInGit(s *Subject, report Report, tracked bool) {
	if !s.Project.Git {
		return
	}
	first := map[*project.File]bool{}
	secretsOf(s, inKind(project.DotEnv, project.Export), func(p placed, what string, open bool) {
		file := p.Key.File
		if open || first[file] || file.Tracked != tracked || !tracked && file.Ignored {
			return
		}
		first[file] = true
		if tracked {
			report(Finding{Span: p.Key, Message: fmt.Sprintf("git tracks %s, which holds %s (%s)", file.Path, what, excerpt.Word(p.Name)),
				Fix: fmt.Sprintf("git rm --cached %s && echo %s >> .gitignore, and make a new credential", quotedPath(file.Path), quotedPath(file.Path))})
			return
		}
		f := Finding{Span: p.Key, Message: fmt.Sprintf("%s holds %s (%s), and no .gitignore covers it", file.Path, what, excerpt.Word(p.Name)), Fix: "echo " + quotedPath(file.Path) + " >> .gitignore"}
		f.Edits = ignoreLine(s, file.Path)
		report(f)
	})
}

// quotedPath is a path as one word of a shell's command: whoever made the folder
// chose its files' names, and a fix is there to be pasted.
func quotedPath(name string) string {
	if strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	return render.ShellWord(name)
}

// plainPath is a path that .gitignore does not take for a pattern.
var plainPath = lazyregexp.New(`^[A-Za-z0-9_.][A-Za-z0-9_./@+-]*$`)

// ignoreLine adds a path to the folder's .gitignore, where there is one.
func ignoreLine(s *Subject, name string) []Edit {
	for _, f := range s.Project.Files {
		if f.Kind == project.Ignore && f.Path == ".gitignore" && plainPath.MatchString(name) {
			line := name + "\n"
			if f.Text != "" && !strings.HasSuffix(f.Text, "\n") {
				line = "\n" + line
			}
			return []Edit{{Span: project.Span{File: f, Start: len(f.Text), End: len(f.Text)}, New: line}}
		}
	}
	return nil
}

// findCredentialsInFiles looks at what is tracked besides environment files
// and Dockerfiles, which have rules of their own.
func findCredentialsInFiles(s *Subject, report Report) {
	secretsOf(s, inKind(project.Compose, project.HelmValues, project.Manifest, project.AirflowConfig, project.AstroDeployment),
		func(p placed, what string, open bool) {
			if open || !p.Known || !p.Key.File.Tracked {
				return
			}
			report(Finding{Span: p.Key, Message: fmt.Sprintf("git tracks %s, which holds %s (%s)", p.Key.File.Path, what, excerpt.Word(p.Name)),
				Fix: "keep the value in a Secret or in the environment, refer to it here, and make a new credential"})
		})
	for i := range s.Project.Entries {
		e := &s.Project.Entries[i]
		if e.Span.File == nil || !e.Span.File.Tracked || !e.Known {
			continue
		}
		switch e.Span.File.Kind {
		case project.AstroSettings, project.Script, project.Document:
			if what := secretEntry(e); what != "" {
				f := Finding{Span: e.Span, Message: fmt.Sprintf("git tracks %s, which holds %s", e.Span.File.Path, what),
					Fix: "take the value out, put it into a secrets backend or into .env (in .gitignore), and make a new credential"}
				if e.Span.File.Kind == project.Document {
					f.Severity = Warning // it may be made up
				}
				report(f)
			}
		}
	}
}

// secretEntry tells what the content of an entry gives away; empty where it is
// a placeholder or nothing.
func secretEntry(e *project.Entry) string {
	name := "AIRFLOW_VAR_" + strings.ToUpper(e.ID)
	texts := map[string]string{"": e.Text}
	if e.Fields != nil {
		texts = e.Fields
	}
	for _, field := range slices.Sorted(maps.Keys(texts)) {
		value := texts[field]
		if harmlessValue(value) || isOpen(value) {
			continue
		}
		switch {
		case strings.HasSuffix(field, "password"), secretKwarg(field):
			return "a password"
		case field == "conn_uri" || e.Kind == airflow.KindConnection && field == "":
			if what, open, ok := inConnection(value); ok && !open {
				return what
			}
		case plainSecret(value) != "":
			return plainSecret(value)
		case e.Kind == airflow.KindVariable && field == "" && secretName(strings.ToUpper(e.ID)) && !harmlessValue(value):
			if what, open, ok := credential(name, value); ok && !open {
				return what
			}
		}
	}
	return ""
}

// leftover are names of files that were saved, not written to be used.
var leftover = lazyregexp.New(`(?i)(^|[._-])(backup|bak|old|orig|copy|save|saved|export|exported|dump|tmp)([._-]|$)|^(connections|variables|conns|vars|airflow-(connections|variables))\.(json|ya?ml|env)$|~$`)

func findLeftBehind(s *Subject, report Report) {
	first := map[*project.File]bool{}
	left := func(at project.Span, what string) {
		file := at.File
		if file == nil || first[file] {
			return
		}
		first[file] = true
		f := Finding{Span: at, Message: fmt.Sprintf("%s was left behind and holds %s", file.Path, what), Fix: "rm " + quotedPath(file.Path)}
		if file.Tracked {
			f.Severity = Error
			f.Message += ", and git tracks it"
			f.Fix = "git rm " + quotedPath(file.Path) + ", and make a new credential"
		}
		report(f)
	}
	secretsOf(s, inKind(project.Export), func(p placed, what string, open bool) {
		if !open && leftover.MatchString(path.Base(p.Key.File.Path)) {
			left(p.Key, what)
		}
	})
	for i := range s.Project.Entries {
		e := &s.Project.Entries[i]
		if e.Layer == project.InExport && e.Known && e.Span.File != nil && e.Span.File.Kind == project.Export && leftover.MatchString(path.Base(e.Span.File.Path)) {
			if what := secretEntry(e); what != "" {
				left(e.At, what)
			}
		}
	}
	for _, f := range s.Project.Files {
		if at := strings.Index(f.Text, `"private_key"`); at >= 0 && f.Kind == project.Export && strings.HasPrefix(strings.TrimSpace(f.Text), "{") {
			left(project.Span{File: f, Start: at, End: at + len(`"private_key"`)}, "the private key of a service account")
		}
	}
}
