package check

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/render"
)

func dotenvRules() []Rule {
	return []Rule{{
		ID: "dotenv-readers-differ", Severity: Note, Title: "docker run --env-file reads this .env file differently",
		Why: "astro dev start hands .env to docker compose, which takes quotes away, fills in $NAME, and knows comments after a value, export and values of several lines. " +
			"docker run --env-file, and what else reads the file line by line, knows none of it and keeps each character.",
		Find: findReadersDiffer,
	}}
}

func findReadersDiffer(s *Subject, report Report) {
	first := map[*project.File]*project.Setting{}
	for _, p := range settings(s) {
		file := p.Whole.File
		matters := isOfBackend(p.Name) || isCloud(p.Name) || isSensitiveOption(p.Name)
		if file == nil || file.Kind != project.DotEnv || !matters || !p.Known || difference(p.Setting) == "" {
			continue
		}
		if other := first[file]; other == nil || p.Whole.Start < other.Whole.Start {
			first[file] = p.Setting
		}
	}
	for _, one := range first {
		f := Finding{Span: one.Whole, Message: fmt.Sprintf("docker compose and docker run --env-file read %s differently: the latter %s", one.Name, difference(one))}
		f.Fix = "keep to docker compose, or give docker the value with --env"
		line, err := render.DockerEnvFile(one.Name, one.Value)
		if both, failed := render.DotEnv(one.Name, one.Value); err == nil && failed == nil && both == line {
			f.Fix = Masked(project.DotEnv, line)
		}
		report(f)
	}
}

// difference says what docker's own reader (opts.ParseEnvFile) makes of a
// statement that compose reads as the setting's value; "" for the same.
func difference(s *project.Setting) string {
	first, rest, more := strings.Cut(strings.TrimRight(s.Whole.Text(), "\r\n"), "\n")
	name, value, has := strings.Cut(strings.TrimLeftFunc(strings.TrimSuffix(first, "\r"), unicode.IsSpace), "=")
	switch {
	case !has:
		return ""
	case strings.ContainsAny(name, " \t"):
		return "refuses the line for the blank in its name"
	case more && rest != "":
		return "ends the value at the end of its first line"
	case value == s.Value:
		return ""
	case isQuotedText(value, ""):
		return "keeps the quotes"
	case tail(value) >= 0:
		return "takes the comment for a part of the value"
	case strings.Contains(value, "$"):
		return "fills in no $NAME"
	}
	return "keeps the blanks and quotes of the line"
}
