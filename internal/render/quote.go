package render

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// Reasons why a value cannot be written. They are wrapped in errors that name
// the variable.
var (
	errNUL     = errors.New("it holds a NUL character, which no environment variable can")
	errNotText = errors.New("it is not UTF-8 text")
)

// The names that a format takes.
var (
	// shellName is a name of POSIX shells (XBD 8.1).
	shellName = lazyregexp.New(`\A[A-Za-z_][A-Za-z0-9_]*\z`)
	// fileName is one that docker, compose and Kubernetes take too.
	fileName = lazyregexp.New(`\A[A-Za-z_][A-Za-z0-9_.-]*\z`)
)

// checked refuses what nothing can write.
func checked(name, value string, names *lazyregexp.Regexp) error {
	switch {
	case !names.MatchString(name):
		return fmt.Errorf("%q is not a name that can be written here: want letters, digits and _", name)
	case strings.ContainsRune(value, 0):
		return cannot(name, errNUL)
	case !utf8.ValidString(value):
		return cannot(name, errNotText)
	}
	return nil
}

func cannot(name string, why error) error { return fmt.Errorf("%s cannot be written: %w", name, why) }

// DotEnv returns the statement NAME=... of a .env file, one line without its
// end, that docker compose and so `astro dev start` read back as value. Where
// the value needs no quotes it has none, and `docker run --env-file`, which
// knows no quotes, reads the same: see [DockerEnvFile]. A value with a NUL, or
// that is not UTF-8, is an error.
func DotEnv(name, value string) (string, error) {
	if err := checked(name, value, fileName); err != nil {
		return "", err
	}
	switch {
	case plainDotEnv(value):
		return name + "=" + value, nil
	case singleDotEnv(value):
		return name + "='" + value + "'", nil
	}
	return name + `="` + doubleDotEnv.Replace(value) + `"`, nil
}

// plainDotEnv reports whether compose takes value as it is, without quotes: it
// trims blanks, ends at " #" and fills in $.
func plainDotEnv(value string) bool {
	return printable(value) && strings.TrimFunc(value, unicode.IsSpace) == value &&
		!strings.HasPrefix(value, `"`) && !strings.HasPrefix(value, "'") &&
		!strings.Contains(value, " #") && !strings.Contains(value, "$")
}

// singleDotEnv reports whether value can stand between single quotes, where
// compose knows no escape but \' and keeps every other backslash.
func singleDotEnv(value string) bool {
	return printable(value) && !strings.Contains(value, "'") && !strings.HasSuffix(value, `\`)
}

// doubleDotEnv escapes what compose unescapes between double quotes.
var doubleDotEnv = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// printable reports whether every character of s can be seen, or is a space.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) }) < 0
}

// longestLine is what docker reads of one line of a file at most:
// bufio.MaxScanTokenSize less the end of the line.
const longestLine = 64*1024 - 2

// DockerEnvFile returns the line NAME=value of a file for `docker run
// --env-file`, which takes every character as it is up to the end of the line.
// A value of several lines, one that ends with a carriage return, or a line of
// more than 64 KiB is an error.
func DockerEnvFile(name, value string) (string, error) {
	if err := checked(name, value, fileName); err != nil {
		return "", err
	}
	line := name + "=" + value
	switch {
	case strings.Contains(value, "\n"):
		return "", cannot(name, errors.New("docker run --env-file knows no values of several lines"))
	case strings.HasSuffix(value, "\r"):
		return "", cannot(name, errors.New("docker run --env-file drops a carriage return at the end of a line"))
	case len(line) > longestLine:
		return "", cannot(name, errTooLong)
	}
	return line, nil
}

var errTooLong = errors.New("its line would be longer than the 64 KiB that docker reads")

// Dockerfile returns the line ENV NAME=... of a Dockerfile, without its end,
// that `docker build` reads back as value, unless a directive changes the
// escape character. A value of several lines is an error, because a Dockerfile
// has no escape for the end of a line, and so is a line of more than 64 KiB.
func Dockerfile(name, value string) (string, error) {
	if err := checked(name, value, fileName); err != nil {
		return "", err
	}
	if strings.ContainsAny(value, "\n\r") {
		return "", cannot(name, errors.New("a Dockerfile's ENV knows no values of several lines; mount it, or set it where the container is started"))
	}
	line := "ENV " + name + "='" + value + "'"
	if strings.Contains(value, "'") {
		line = "ENV " + name + `="` + doubleDockerfile.Replace(value) + `"`
	}
	if len(line) > longestLine {
		return "", cannot(name, errTooLong)
	}
	return line, nil
}

var doubleDockerfile = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)

// Shell returns the command export NAME=... for any POSIX shell. A value of
// several lines makes it one of several lines.
func Shell(name, value string) (string, error) {
	if err := checked(name, value, shellName); err != nil {
		return "", err
	}
	return "export " + name + "=" + ShellWord(value), nil
}

// ShellWord quotes s as one word of a POSIX shell's command. It must hold no
// NUL.
func ShellWord(s string) string {
	if plainShell.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var plainShell = lazyregexp.New(`\A[A-Za-z0-9_./:@%+,-]+\z`)

// YAML returns value as a scalar on one line that YAML 1.1 and 1.2 parsers
// read as that string, wherever a value may stand. Bytes that are not UTF-8
// become U+FFFD.
func YAML(value string) string {
	value = strings.ToValidUTF8(value, "\uFFFD")
	switch {
	case plainYAML.MatchString(value) && !wordYAML.MatchString(value):
		return value
	case printable(value) && !strings.ContainsFunc(value, oddSpace):
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return doubleYAML(value)
}

var plainYAML = lazyregexp.New(`\A[A-Za-z][A-Za-z0-9_./-]*\z`)

// wordYAML matches plain words that mean something else than a string to a
// parser of YAML 1.1 or 1.2.
var wordYAML = lazyregexp.New(`\A(?i:y|n|yes|no|on|off|true|false|null|nan|inf)\z`)

// oddSpace is a blank other than a space.
func oddSpace(r rune) bool { return r != ' ' && unicode.IsSpace(r) }

// doubleYAML escapes all that YAML does not call printable, and blanks that a
// parser could fold (YAML 1.2, section 5.7).
func doubleYAML(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
