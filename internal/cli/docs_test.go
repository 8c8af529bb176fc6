package cli

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

var update = flag.Bool("update", false, "write docs/cli.md")

// TestDocs fails when docs/cli.md is not what the command tree says.
func TestDocs(t *testing.T) {
	const path = "../../docs/cli.md"
	var out bytes.Buffer
	out.WriteString("# The command line\n\nWritten from the command tree by `go test ./internal/cli -update`.\n\n")
	a := &app{}
	if err := commandDocs(&out, a.root()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, out.Bytes()) {
		t.Errorf("%s has drifted from the commands: go test ./internal/cli -update", path)
	}
}

// seeAlso is the part of a command's page that links to other pages.
var seeAlso = regexp.MustCompile(`(?s)\n### SEE ALSO\n.*$`)

// commandDocs writes one command and those below it.
func commandDocs(out *bytes.Buffer, c *cobra.Command) error {
	c.DisableAutoGenTag = true
	c.InitDefaultHelpCmd()
	var page bytes.Buffer
	if err := doc.GenMarkdown(c, &page); err != nil {
		return err
	}
	out.Write(seeAlso.ReplaceAll(page.Bytes(), nil))
	out.WriteString("\n")
	for _, child := range c.Commands() {
		if !child.IsAvailableCommand() || child.Name() == "help" || child.Name() == "completion" {
			continue
		}
		if err := commandDocs(out, child); err != nil {
			return err
		}
	}
	return nil
}

// TestEveryCommandExplainsItself keeps a command from being added without
// what help needs.
func TestEveryCommandExplainsItself(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no short description", c.CommandPath())
		}
		if c.Runnable() && !c.HasSubCommands() && c.Args == nil {
			t.Errorf("%s checks no arguments", c.CommandPath())
		}
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	a := &app{}
	walk(a.root())
}
