package check

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func astroRules() []Rule {
	return append([]Rule{{
		ID: "astro-saved-secret", Severity: Error, Title: "the text \"# secret\" stands where a secret was",
		Why: "astro deployment variable list --save writes a secret as KEY= # secret, because it never gets the value. " +
			"Loaded again with --load, that text becomes the value.",
		Airflow: "Airflow gets the text \"# secret\": as kwargs it is not JSON, Airflow logs \"Failed to parse [secrets] backend_kwargs as JSON, defaulting to no kwargs.\"; " +
			"as a connection it has no type.",
		Find: findSavedSecrets,
	}, {
		ID: "astro-load-multiline", Severity: Error, Title: "astro deployment variable --load reads the file otherwise than astro dev does",
		Why: "--load goes through the file line by line: the lines of a value after its first are lost, escapes, inline comments and export stay, " +
			"quotes are stripped from both ends, $NAME is not filled in, and the first of two with one name counts: the Deployment gets another value than astro dev, or none. astro env variable --from-file reads quotes and several lines.",
		Find: findLoadedOtherwise,
	}, {
		ID: "astro-value-cut", Severity: Error, Title: "astro deployment variable cuts a value at its second equals sign",
		Why:  "KEY=VALUE is split at every =, and only the second piece is kept: the end of a base64 value or of a URI's query is lost. A file and --load, or --key and --value, keep it.",
		Find: findCutValues,
	}, {
		ID: "astro-env-key", Severity: Error, Title: "a name that astro env variable refuses in a file",
		Why:  "A file that is given to astro env variable may only have names of letters, digits and underscores. One with a dash or a dot, as AIRFLOW_VAR_MY-KEY, has to be made alone.",
		Find: findRefusedKeys,
	}, {
		ID: "astro-conn-extra-lost", Severity: Warning, Title: "conn_extra is a mapping of which the astro CLI loses a part",
		Why: "Of a conn_extra that is a mapping the astro CLI takes the names in lower case and, in versions of before 2026, drops values that are no text, or all of it. " +
			"The text of a JSON object is passed on as it is.",
		Find: findLostExtra,
	}, {
		ID: "astro-secret-blanked", Severity: Warning, Title: "a Deployment file blanks a secret",
		Why: "astro deployment inspect writes a secret with an empty value. The astro CLI of before April 2024 stores that empty value when the file is applied, " +
			"and a Deployment that is made from the file has no value with any version.",
		Airflow: "An empty value of AIRFLOW__SECRETS__BACKEND_KWARGS counts as none: Airflow logs nothing, and the backend has its defaults.",
		Find:    findBlanked,
	}}, slices.Concat(astroShellRules(), shadowRules())...)
}

// savedSecret is a line as astro deployment variable list --save writes it.
var savedSecret = lazyregexp.New(`(?m)^[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)=[ \t]*(# secret)[ \t]*\r?$`)

func findSavedSecrets(s *Subject, report Report) {
	tell := func(at project.Span, name string) {
		report(Finding{Span: at, Message: name + " has the text \"# secret\" in place of its value",
			Fix: "write the secret there, or take the line out before the file is loaded"})
	}
	for _, f := range s.Project.Files {
		if f.Kind != project.DotEnv && f.Kind != project.Export {
			continue
		}
		for _, m := range savedSecret.FindAllStringSubmatchIndex(f.Text, -1) {
			tell(project.Span{File: f, Start: m[4], End: m[5]}, f.Text[m[2]:m[3]])
		}
	}
	for _, p := range settings(s) {
		if p.Known && strings.TrimSpace(p.Value) == "# secret" && !inKind(project.DotEnv, project.Export)(p) {
			tell(p.Text, p.Name)
		}
	}
}

// loads are the files that commands of one sort load, with the command.
func loads(s *Subject, find func(c *project.Command) (name string, ok bool)) map[*project.File]*project.Command {
	files := map[*project.File]*project.Command{}
	for i := range s.Project.Commands {
		c := &s.Project.Commands[i]
		name, ok := find(c)
		if !ok {
			continue
		}
		for _, f := range s.Project.Files {
			if f.Path == path.Clean(name) && (f.Kind == project.DotEnv || f.Kind == project.Export) {
				files[f] = c
			}
		}
	}
	return files
}

// loadedByDeployment is the file that astro deployment variable --load reads.
func loadedByDeployment(c *project.Command) (string, bool) {
	if !runs(c, "astro", "deployment", "variable") || len(c.Words) < 4 || !hasFlag(c, "--load") && !hasFlag(c, "-l") {
		return "", false
	}
	for _, name := range []string{"--env", "-e"} {
		if file, _, ok := flag(c, name); ok {
			return file, true
		}
	}
	return ".env", true
}

// loaded is what --load makes of a file: names and values, line by line.
func loaded(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\r"), "=")
		if _, twice := values[key]; !ok || key == "" || value == "" || twice || strings.HasPrefix(line, "#") {
			continue
		}
		values[key] = strings.TrimSpace(strings.Trim(strings.Trim(value, `"`), `'`))
	}
	return values
}

func findLoadedOtherwise(s *Subject, report Report) {
	files := loads(s, loadedByDeployment)
	seen := map[string]bool{}
	for _, p := range settings(s) {
		file := p.Key.File
		c := files[file]
		if file == nil || c == nil || seen[file.Path+"\x00"+p.Name] || !p.Known || p.Value == "" {
			continue
		}
		seen[file.Path+"\x00"+p.Name] = true
		value, has := loaded(file.Text)[p.Name]
		if value == p.Value {
			continue
		}
		why := "quotes, escapes or a comment stay in it, or $NAME is not filled in"
		switch {
		case !has:
			why = "its name is not at the start of a line, directly before the ="
		case strings.Contains(strings.TrimSpace(p.Text.Text()), "\n"):
			why = "only the first of its lines is kept"
		}
		report(Finding{Span: p.Text, Message: fmt.Sprintf("%s: the command in %s:%d that loads this file stores another value: %s", excerpt.Word(p.Name), c.Span.Path(), line(c.Span), why),
			Fix: "astro env variable create --from-file " + file.Path + " --secret"})
	}
}

func findCutValues(s *Subject, report Report) {
	for i := range s.Project.Commands {
		c := &s.Project.Commands[i]
		if !runs(c, "astro", "deployment", "variable", "create") && !runs(c, "astro", "deployment", "variable", "update") {
			continue
		}
		for _, w := range c.Words[4:] {
			name, value, _ := strings.Cut(w.Text, "=")
			if strings.Contains(value, "=") && !strings.HasPrefix(name, "-") {
				report(Finding{Span: w.Span, Message: name + ": only what stands before the second = is stored",
					Fix: "write the line into a file and load it: astro env variable create --from-file FILE --secret"})
			}
		}
	}
}

// envKey are the names that may stand in a file for astro env variable.
var envKey = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

func findRefusedKeys(s *Subject, report Report) {
	files := loads(s, func(c *project.Command) (string, bool) {
		if len(c.Words) < 4 || !runs(c, "astro", "env") {
			return "", false
		}
		name, _, ok := flag(c, "--from-file")
		return name, ok
	})
	for _, p := range settings(s) {
		if c := files[p.Key.File]; p.Key.File != nil && c != nil && !envKey.MatchString(p.Name) {
			report(Finding{Span: p.Key, Message: fmt.Sprintf("%s: the command in %s:%d refuses a file with such a name in it", excerpt.Word(p.Name), c.Span.Path(), line(c.Span)),
				Fix: "make this one alone: astro env variable create --key " + excerpt.Word(p.Name)})
		}
	}
}

// extraKey is where the mapping of conn_extra begins.
var extraKey = lazyregexp.New(`(?m)(?:^|[\s{,])(conn_extra)[ \t]*:`)

func findLostExtra(s *Subject, report Report) {
	for i := range s.Project.Entries {
		e := &s.Project.Entries[i]
		if e.Fields["extra"] == "" || e.Span.File == nil || e.Span.File.Kind != project.AstroSettings {
			continue
		}
		lost := lostExtra(e.Span)
		at := extraKey.FindStringSubmatchIndex(e.Span.Text())
		if lost == "" || at == nil {
			continue
		}
		report(Finding{Span: project.Span{File: e.Span.File, Start: e.Span.Start + at[2], End: e.Span.Start + at[3]},
			Message: fmt.Sprintf("connection %q: conn_extra is a mapping, and the astro CLI %s", excerpt.Name(e.ID), lost),
			Fix:     `write it as text: conn_extra: '{"name": "value"}'`})
	}
}

// lostExtra says what gets lost of a conn_extra that is a mapping; empty where
// nothing does, or it is text.
func lostExtra(item project.Span) string {
	_, column := item.Position()
	var parsed struct {
		Extra map[string]any `yaml:"conn_extra"`
	}
	if yaml.Unmarshal([]byte(strings.Repeat(" ", column-1)+item.Text()), &parsed) != nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(parsed.Extra)) {
		if name != strings.ToLower(name) {
			return "writes the names in lower case: " + memberName(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parsed.Extra)) {
		if _, text := parsed.Extra[name].(string); !text {
			return "has versions that drop values which are no text: " + memberName(name)
		}
	}
	return ""
}

// memberName is the name of a member, unless it looks as if a mistake in the
// file had made a value one.
func memberName(name string) string {
	if excerpt.Word(name) == excerpt.Hidden {
		return "one whose name is not shown"
	}
	return name
}

func findBlanked(s *Subject, report Report) {
	for _, d := range s.Project.Deployments {
		if d.Environment == nil {
			continue
		}
		for _, one := range d.Environment.Settings {
			if text := one.Text.Text(); one.Secret && one.Value == "" && (text == `""` || text == "''") {
				report(Finding{Span: one.Key, Message: one.Name + " is a secret with an empty value, which is stored in place of the secret",
					Fix: "fill the value in when the file is applied, or take the variable out of the file"})
			}
		}
	}
}
