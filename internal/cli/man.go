package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
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
			if err := doc.GenManTree(root, header, dir); err != nil {
				return errors.Join(errors.New("writing the manual"), err)
			}
			return nil
		},
	}
}
