package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages, one for each command, into a folder",
		Long: `Write the manual pages, one for each command, into a folder, which is made where it
does not exist: airlock.1, airlock-check.1 and so on.`,
		Example: "  airlock man /usr/local/share/man/man1",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			dir := a.dir(list[0])
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("making the folder of the manual: %w", err)
			}
			// A fixed date: the pages change only with the commands.
			date := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
			header := &doc.GenManHeader{Section: "1", Source: "airlock " + buildVersion(), Manual: "airlock", Date: &date}
			root := c.Root()
			root.DisableAutoGenTag = true
			for _, each := range commandsBelow(root) {
				forManual(each)
			}
			if err := doc.GenManTree(root, header, dir); err != nil {
				return errors.Join(errors.New("writing the manual"), err)
			}
			return nil
		},
	}
}

// forManual writes what a command says of itself as Markdown, which is what
// the manual is made of: names keep their underscores, and lines that are
// indented stay lines.
func forManual(c *cobra.Command) {
	var b strings.Builder
	listing := false
	for line := range strings.Lines(c.Long) {
		indented := strings.HasPrefix(line, "  ")
		if indented != listing {
			b.WriteString("\n```\n")
			listing = indented
		}
		if !indented {
			line = asMarkdown(line)
		}
		b.WriteString(line)
	}
	if listing {
		b.WriteString("\n```\n")
	}
	c.Long = b.String()
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) { f.Usage = asMarkdown(f.Usage) })
}

func asMarkdown(text string) string {
	return strings.NewReplacer("\\", "\\\\", "_", "\\_", "*", "\\*", "<", "\\<", "`", "").Replace(text)
}
