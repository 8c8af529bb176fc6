package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// outputFlag adds -o/--output with a closed list of formats.
func outputFlag(c *cobra.Command, target *string, preset string, formats ...string) {
	c.Flags().StringVarP(target, "output", "o", preset, "format: `"+strings.Join(formats, "|")+"`")
	inner := c.RunE
	c.RunE = func(c *cobra.Command, list []string) error {
		if !slices.Contains(formats, *target) {
			return usage(c, fmt.Errorf("unknown output %q: want %s", excerpt.Near(*target, formats), strings.Join(formats, ", ")))
		}
		return inner(c, list)
	}
}

// print writes rows in a format that Airflow's own command line has (json,
// yaml, plain, table); other is called for plain when it is not nil.
func (a *app) print(format string, rows []*pyjson.Object, plain func()) error {
	switch format {
	case "json":
		list := make([]any, len(rows))
		for i, row := range rows {
			list[i] = row
		}
		a.println(pyjson.Encode(list))
	case "yaml":
		return a.printYAML(rows)
	case "plain":
		if plain != nil {
			plain()
			return nil
		}
		a.printTable(rows, "  ")
	case "table":
		a.printTable(rows, " | ")
	}
	return nil
}

func (a *app) printYAML(rows []*pyjson.Object) error {
	list := make([]yaml.MapSlice, len(rows))
	for i, row := range rows {
		for _, key := range row.Keys() {
			v, _ := row.Get(key)
			list[i] = append(list[i], yaml.MapItem{Key: key, Value: plainYAML(v)})
		}
	}
	b, err := yaml.Marshal(list)
	if err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	a.println(strings.TrimRight(string(b), "\n"))
	return nil
}

// plainYAML turns ordered objects into what the YAML library keeps in order.
func plainYAML(v any) any {
	switch v := v.(type) {
	case *pyjson.Object:
		var m yaml.MapSlice
		for _, key := range v.Keys() {
			member, _ := v.Get(key)
			m = append(m, yaml.MapItem{Key: key, Value: plainYAML(member)})
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plainYAML(v[i])
		}
		return list
	}
	return v
}

func (a *app) printTable(rows []*pyjson.Object, separator string) {
	if len(rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(&a.out, 0, 0, 0, ' ', 0)
	writeRow(w, separator, rows[0].Keys())
	for _, row := range rows {
		cells := make([]string, 0, row.Len())
		for _, key := range row.Keys() {
			v, _ := row.Get(key)
			cells = append(cells, cell(v))
		}
		writeRow(w, separator, cells)
	}
	_ = w.Flush()
}

func writeRow(w io.Writer, separator string, cells []string) {
	_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"+separator))
}

// cell is a value on one line of a table; None is shown as Airflow shows it.
func cell(v any) string {
	if v == nil {
		return "None"
	}
	text := dialect.Value{Data: v}.Text()
	return visible(strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(text))
}
