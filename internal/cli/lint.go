package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/connlint"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/store"
)

// connectionInput says where the text of one connection comes from: a stored
// id, standard input, a file, or the flags of airflow connections add.
type connectionInput struct {
	newConnection
	file, service string
}

func (in *connectionInput) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&in.file, "file", "", "read the URI or the JSON from a `file`")
	f.StringVar(&in.service, "store", "", "read it as this `service`'s class does: secretsmanager has names of its own for JSON members")
	in.newConnection.addFlags(f)
}

// text finds the connection. The id is empty for one that is stored nowhere.
func (a *app) connectionText(ctx context.Context, in *connectionInput, list []string) (text, id string, err error) {
	named := len(list) == 1 && list[0] != "-"
	in.stdin = in.stdin || len(list) == 1 && list[0] == "-"
	given := 0
	for _, set := range []bool{named, in.file != "", in.stdin || in.uri != "" || in.json != "" || in.fields() != ""} {
		if set {
			given++
		}
	}
	switch {
	case in.service != "" && in.service != connlint.ServiceSecretsManager:
		return "", "", usageError{msg: fmt.Sprintf("--store %q reads no connection differently", excerpt.Name(in.service)), hint: "leave it out, or say --store secretsmanager"}
	case given == 0:
		return "", "", usageError{msg: "no connection is given", hint: "name one that is stored, or pipe a URI or JSON in: airlock connections lint - < uri.txt"}
	case given > 1:
		return "", "", usageError{msg: "an id, --file, --stdin and the flags of a connection exclude each other", hint: "pass one of them"}
	case named:
		text, err = a.stored(ctx, list[0], in)
		return text, list[0], err
	case in.file != "":
		text, err = a.readConnectionFile(ctx, in.file)
	default:
		text, err = a.serialized("-", &in.newConnection)
	}
	// The line break with which an editor ends a file is nobody's mistake.
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), "", err
}

// readConnectionFile reads a file of one connection.
func (a *app) readConnectionFile(ctx context.Context, path string) (string, error) {
	defer wait.For(path)()
	b, err := diskfile.ReadTyped(ctx, a.dir(path), maxInput)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil && !errors.As(err, new(*diskfile.TooLargeError)):
		return "", usageError{msg: "the file cannot be read: " + err.Error(), hint: "name a file that holds one URI or JSON object"}
	case err != nil || !utf8.Valid(b):
		return "", usageError{msg: "the file is longer than 1 MiB or not UTF-8 text", hint: "name a file that holds one URI or JSON object"}
	}
	return string(b), nil
}

// stored is the text of a connection as the layer that has it keeps it.
func (a *app) stored(ctx context.Context, id string, in *connectionInput) (string, error) {
	ref := airflow.Ref{Kind: airflow.KindConnection, ID: id}
	res, err := a.lookup(ctx, ref, &airlock.LookupOptions{Serialized: true})
	if err != nil {
		return "", err
	}
	if res.Value.Connection != nil {
		return res.Value.Connection.JSON()
	}
	if found, err := stores.Known().Find(res.Attempts[res.Winner].Source); err == nil && found.Row.Service == connlint.ServiceSecretsManager &&
		res.Secret != nil && res.Secret.Form == store.Text {
		in.service = connlint.ServiceSecretsManager
		return string(res.Secret.Payload), nil
	}
	return dialect.Value{Data: res.Value.Data}.Text(), nil
}

func (a *app) connectionsLint() *cobra.Command {
	var in connectionInput
	var output string
	var reveal bool
	c := &cobra.Command{
		Use:   "lint [ID | -]",
		Short: "Say what is wrong with a connection, and what to write instead",
		Long: `Look at one connection, a URI or a JSON object: which characters have to be
encoded, what Airflow makes of it, what gets lost, and what to write instead.
It is read from standard input (-), from a file, or from where ID is stored; a
secret on the command line can be seen in the list of processes.

Secrets are shown as ***: --reveal shows the corrected text as it is. Where a
character in a password has to be encoded, that one character is shown.
The exit code is 1 when something is wrong, 0 where there are only remarks.`,
		Example: `  airlock connections lint - < uri.txt
  airlock connections lint my_db
  airlock connections lint --file uri.txt --reveal
  aws secretsmanager get-secret-value --secret-id airflow/connections/db --query SecretString --output text | airlock connections lint - --store secretsmanager`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			text, id, err := a.connectionText(c.Context(), &in, list)
			if err != nil {
				return err
			}
			return a.lint(connlint.Lint(text, connlint.Options{ID: id, Service: in.service}), output, reveal)
		},
	}
	in.addFlags(c)
	c.Flags().BoolVar(&reveal, "reveal", false, "show the corrected text with its secrets")
	outputFlag(c, &output, "text", "text", "json")
	return c
}

// lint prints a report, and fails where the connection does not work.
func (a *app) lint(r *connlint.Report, output string, reveal bool) error {
	if output == "json" {
		a.println(pyjson.Encode(lintObject(r, reveal)))
	} else {
		a.printLint(r, reveal)
	}
	if r.Worst() != connlint.Error {
		return nil
	}
	if err := a.flush(); err != nil {
		return err
	}
	return shown(errors.New("the connection does not work as it is"))
}

// printLint writes a report for people.
func (a *app) printLint(r *connlint.Report, reveal bool) {
	masked, at := r.Masked()
	a.println(visible(masked))
	for i, p := range r.Problems {
		if !isWhole(r, p) {
			a.println(strings.Repeat(" ", at[i].From) + strings.Repeat("^", max(1, at[i].End-at[i].From)) + writeInstead(p))
		}
		a.println(fmt.Sprintf("%s: %s (%s)", p.Severity, visible(p.Message), p.Code))
		if p.Airflow != "" {
			a.println("  " + visible(p.Airflow))
		}
	}
	if len(r.Problems) == 0 {
		a.println("nothing is wrong with it")
	}
	a.printReading(r)
	if r.Suggestion != "" {
		a.println("\nwrite:\n  " + visible(suggestedText(r, reveal)))
		if !reveal && strings.Contains(suggestedText(r, false), connlint.Hidden) {
			a.println("  (--reveal shows it with its secrets)")
		}
	}
}

// isWhole tells whether a problem is about all of the text.
func isWhole(r *connlint.Report, p connlint.Problem) bool { return p.From == 0 && p.End >= len(r.Text) }

func writeInstead(p connlint.Problem) string {
	switch {
	case !p.Mends:
		return ""
	case p.Write == "":
		return " leave it out"
	}
	return " write " + p.Write
}

func suggestedText(r *connlint.Report, reveal bool) string {
	if reveal {
		return r.Suggestion
	}
	return r.MaskedSuggestion()
}

// printReading writes what Airflow makes of the text.
func (a *app) printReading(r *connlint.Report) {
	a.println("")
	if r.Worker == nil {
		a.println("Airflow cannot read it: " + visible(airflowError(r.WorkerErr)))
		return
	}
	a.println("Airflow reads:")
	o := r.MaskedFields(r.Worker)
	for _, key := range o.Keys() {
		v, _ := o.Get(key)
		a.println(fmt.Sprintf("  %-12s %s", key, cell(v)))
	}
	if r.Server == nil {
		a.println("the scheduler and the API server cannot read it: " + visible(airflowError(r.ServerErr)))
	}
}

// airflowError is an error of package airflow with its Python class.
func airflowError(err error) string {
	var e *airflow.Error
	if errors.As(err, &e) {
		return e.Type + ": " + e.Message
	}
	return "it is malformed"
}

// lintObject is a report for programs: {"form", "masked", "problems",
// "airflow", "suggestion"}, columns counting characters of "masked" from 1.
func lintObject(r *connlint.Report, reveal bool) *pyjson.Object {
	masked, at := r.Masked()
	o := pyjson.NewObject()
	o.Set("form", string(r.Form))
	o.Set("masked", masked)
	problems := []any{}
	for i, p := range r.Problems {
		one := pyjson.NewObject()
		one.Set("rule", string(p.Code))
		one.Set("severity", string(p.Severity))
		one.Set("column", int64(at[i].From+1))
		one.Set("message", p.Message)
		one.Set("airflow", p.Airflow)
		one.Set("write", nil)
		if p.Mends {
			one.Set("write", p.Write)
		}
		problems = append(problems, one)
	}
	o.Set("problems", problems)
	o.Set("airflow", nil)
	if r.Worker != nil {
		o.Set("airflow", r.MaskedFields(r.Worker))
	}
	o.Set("suggestion", nil)
	if r.Suggestion != "" {
		o.Set("suggestion", suggestedText(r, reveal))
	}
	return o
}
