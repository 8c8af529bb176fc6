package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
)

func (a *app) explain() *cobra.Command {
	var (
		output, team string
		reveal       bool
	)
	c := &cobra.Command{
		Use:   "explain variable|connection|config NAME",
		Short: "Show what every layer answers for a name, and which one wins",
		Long: `Ask every layer for a name, in the order in which Airflow asks them, and show the
exact place asked, the answer, the time it took, which layer wins and what it
hides below it. Values are masked unless --reveal is given.

The exit code is that of the look-up: 0 found, 3 not found, 4 denied, 5 store
unavailable.`,
		Example: `  airlock explain variable my_key
  airlock explain connection my_db -o json`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, list []string) error {
			kind, err := airflow.ParseKind(list[0])
			if err != nil {
				return usage(c, err)
			}
			res, err := a.lookup(c.Context(), airflow.Ref{Kind: kind, ID: list[1], Team: team}, &airlock.LookupOptions{All: true})
			if res == nil {
				return err
			}
			if perr := a.printExplain(output, res, reveal); perr != nil {
				return perr
			}
			if ferr := a.flush(); ferr != nil {
				return ferr
			}
			if errors.As(err, new(usageError)) {
				return err
			}
			return shown(err)
		},
	}
	c.Flags().StringVar(&team, "team", "", "look it up on behalf of a `team` (core.multi_team)")
	c.Flags().BoolVar(&reveal, "reveal", false, "show the values")
	outputFlag(c, &output, "table", "table", "json")
	return c
}

func (a *app) printExplain(output string, res *airlock.Result, reveal bool) error {
	doc := res.Explain(reveal)
	if output == "json" {
		b, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return fmt.Errorf("writing JSON: %w", err)
		}
		a.println(string(b))
		return nil
	}
	w := tabwriter.NewWriter(&a.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\tLAYER\tSOURCE\tASKED FOR\tANSWER\tTIME\tVALUE")
	for i, at := range doc.Attempts {
		mark := ""
		if doc.Winner != nil && *doc.Winner == i {
			mark = "*"
		}
		value := ""
		if at.Value != nil {
			value = cell(*at.Value)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.1f ms\t%s\n", mark, layerName(doc, i), airlock.ShortClass(at.Source),
			cell(places(at)), answerOf(at), at.DurationMS, value)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	a.explainBelow(doc, res)
	return nil
}

// places are the names asked for, on one line.
func places(at airlock.ExplainAttempt) string {
	var names []string
	for _, name := range at.Places() {
		names = append(names, excerpt.Name(name))
	}
	return strings.Join(names, ", ")
}

// layerName is what an attempt's layer is called: its number counts where there
// are several of the kind.
func layerName(doc airlock.ExplainDoc, i int) string {
	layer := doc.Attempts[i].Layer
	number, all := 0, 0
	for j, at := range doc.Attempts {
		if at.Layer == layer {
			all++
			if j <= i {
				number++
			}
		}
	}
	if all == 1 {
		return string(layer)
	}
	return fmt.Sprintf("%s %d", layer, number)
}

// answerOf is one attempt's answer in a few words.
func answerOf(at airlock.ExplainAttempt) string {
	if at.Hidden {
		return string(at.Outcome) + ", hidden"
	}
	return string(at.Outcome)
}

// explainBelow prints what does not fit a row: reasons, errors, hints, where
// each layer is set, and what the whole comes to.
func (a *app) explainBelow(doc airlock.ExplainDoc, res *airlock.Result) {
	a.println("")
	for i, at := range doc.Attempts {
		for _, line := range []struct{ label, text string }{
			{"set in", at.Setting}, {"because", at.Reason}, {"error", at.Error}, {"hint", at.Hint}, {"note", strings.Join(at.Notes, "; ")},
		} {
			if line.text != "" {
				a.println(visible(fmt.Sprintf("%s: %s: %s", layerName(doc, i), line.label, strings.ReplaceAll(line.text, "\n", " "))))
			}
		}
	}
	switch {
	case doc.Winner != nil:
		a.println(visible(fmt.Sprintf("%s comes from the %s", res.Ref, layerName(doc, *doc.Winner))))
	case res.Outcome == airlock.Missing:
		a.println(visible(fmt.Sprintf("no layer has %s", res.Ref)))
	case res.Outcome == airlock.Invalid || res.Outcome == airlock.Corrupt:
		a.println(visible(fmt.Sprintf("no layer answers for %s, and one has what cannot be used", res.Ref)))
	default:
		a.println(visible(fmt.Sprintf("no layer answers for %s, and not every one could be asked: %s", res.Ref, res.Outcome)))
	}
	if doc.Airflow != nil {
		a.println(visible(fmt.Sprintf("Airflow says: %s: %s", doc.Airflow.Type, doc.Airflow.Message)))
	}
}
