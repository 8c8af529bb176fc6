package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

func packageRules() []Rule {
	return []Rule{
		{
			ID: "provider-missing", Severity: Error, Title: "the package of the backend is not installed",
			Why: "Each class is in a package of Airflow's providers, and requirements.txt says which of them the image gets. apache/airflow has those of the backends already; " +
				"Astro's images have had some of them, depending on the version.",
			Airflow: "Without the package the class cannot be loaded: " + classNotLoaded + ", and Airflow does not start.",
			Find:    func(s *Subject, report Report) { findPackages(s, report, false) },
		},
		{
			ID: "provider-of-other-backend", Severity: Error, Title: "the package is that of another backend",
			Why:     "requirements.txt has the provider package of another backend than the one that is configured, and not its own: often a line of another page's example.",
			Airflow: "Without its own package the class cannot be loaded: " + classNotLoaded + ", and Airflow does not start.",
			Find:    func(s *Subject, report Report) { findPackages(s, report, true) },
		},
	}
}

// findPackages reports backends without their package: those for which
// another backend's is there instead, or the others.
func findPackages(s *Subject, report Report, instead bool) {
	for _, b := range s.Backends {
		list := requirementsFile(s.Project)
		if b.Row.Package == "" || list == nil || !ofProject(b) || has(s.Project, b.Row.Package) || hasAll(s.Project) {
			continue
		}
		other := otherPackage(s, b.Row.Package)
		if (other != nil) != instead {
			continue
		}
		f := Finding{Span: b.Class.Text, Message: fmt.Sprintf("%s is in the package %s, which %s does not have", last(b.Class.Value), b.Row.Package, list.Path), Fix: b.Row.Package}
		if b.Row.Service != "vault" {
			f.Severity = Warning // Astro's images have had it
		}
		if other != nil {
			f.Span = other.Span
			f.Message = fmt.Sprintf("%s is not the package of %s: that is %s", other.Name, last(b.Class.Value), b.Row.Package)
			f.Fix = b.Row.Package
		}
		f.Edits = []Edit{appended(list, b.Row.Package)}
		report(f)
	}
}

// appended is the edit that puts a line at the end of a file.
func appended(f *project.File, text string) Edit {
	if f.Text != "" && !strings.HasSuffix(f.Text, "\n") {
		text = "\n" + text
	}
	return Edit{Span: project.Span{File: f, Start: len(f.Text), End: len(f.Text)}, New: text + "\n"}
}

// ofProject tells whether requirements.txt is about the Airflow of a backend.
func ofProject(b *Backend) bool {
	return slices.Contains([]project.Kind{project.DotEnv, project.Dockerfile, project.AirflowConfig}, b.Environment.Kind)
}

// requirementsFile is the list that the image is built with; nil where none
// is, or where the base image has the packages itself.
func requirementsFile(p *project.Project) *project.File {
	var list *project.File
	for _, f := range p.Files {
		switch {
		case f.Kind == project.RequirementList && f.Path == "requirements.txt":
			list = f
		case f.Kind == project.Dockerfile && officialImage.MatchString(f.Text):
			return nil
		}
	}
	return list
}

var officialImage = lazyregexp.New(`(?mi)^\s*FROM\s+(\S+\s+)*?(docker\.io/)?apache/airflow[:@\s]`)

// has tells whether a package is asked for, by name or as an extra of Airflow.
func has(p *project.Project, name string) bool {
	extra := strings.TrimPrefix(name, "apache-airflow-providers-")
	return slices.ContainsFunc(p.Requirements, func(r project.Requirement) bool {
		return r.Name == name || r.Name == "apache-airflow" && extraOf(r.Spec, extra)
	})
}

// hasAll tells whether all packages are asked for, or some that cannot be seen.
func hasAll(p *project.Project) bool {
	return slices.ContainsFunc(p.Requirements, func(r project.Requirement) bool {
		return r.Name == "apache-airflow" && (extraOf(r.Spec, "all") || extraOf(r.Spec, "all-core"))
	})
}

// extraOf tells whether [a,b] of a requirement has an extra.
func extraOf(spec, extra string) bool {
	spec, ok := strings.CutPrefix(strings.TrimSpace(spec), "[")
	list, _, closed := strings.Cut(spec, "]")
	if !ok || !closed {
		return false
	}
	for one := range strings.SplitSeq(list, ",") {
		one = strings.NewReplacer(".", "-", "_", "-").Replace(strings.ToLower(strings.TrimSpace(one)))
		if one == extra {
			return true
		}
	}
	return false
}

// otherPackage is a requirement that is the package of a backend that is not
// configured; nil where there is none.
func otherPackage(s *Subject, right string) *project.Requirement {
	var others []string
	for _, row := range stores.Known() {
		used := slices.ContainsFunc(s.Backends, func(b *Backend) bool { return b.Row.Package == row.Package })
		if row.Package != "" && row.Package != right && !used {
			others = append(others, row.Package)
		}
	}
	for i := range s.Project.Requirements {
		if slices.Contains(others, s.Project.Requirements[i].Name) {
			return &s.Project.Requirements[i]
		}
	}
	return nil
}
