package settings

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// unknown refuses an instruction that docker does not know. Most are the rest
// of an ENV line that lacks a backslash at its end.
func (p *dockerParser) unknown(node *parser.Node) {
	if _, ok := command.Commands[strings.ToLower(node.Value)]; ok {
		return
	}
	hint := "write the name of an instruction in front of it"
	if name, _, ok := strings.Cut(node.Value, "="); ok && name != "" {
		hint = "write ENV in front of it, or a \\ at the end of the line above"
	}
	p.refuse(Statement{Line: node.StartLine, Whole: p.span(node.StartLine, node.EndLine),
		Refused: "docker build knows no such instruction, and refuses the file", Hint: hint})
}
