package config

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/config.md")

// TestDocs fails when docs/config.md is not what the fields' comments say.
func TestDocs(t *testing.T) {
	const path = "../../docs/config.md"
	page := page(t)
	if *update {
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, page) {
		t.Errorf("%s has drifted from the fields: go test ./internal/config -update", path)
	}
}

func page(t *testing.T) []byte {
	t.Helper()
	intro, err := os.ReadFile("testdata/config.md")
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.NewBuffer(intro)
	structs := structsOf(t)
	for _, section := range []struct{ title, name string }{
		{"The file", "Config"}, {"Each of `sources`", "Source"}, {"`serve`", "Serve"}, {"`audit` in `serve`", "Audit"},
	} {
		fmt.Fprintf(out, "\n## %s\n\n| key | value | |\n|---|---|---|\n", section.title)
		for _, f := range structs[section.name].Fields.List {
			if f.Tag == nil {
				continue
			}
			key := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("yaml")
			words := strings.Join(strings.Fields(f.Doc.Text()), " ")
			if words == "" {
				t.Errorf("%s has no comment", key)
			}
			fmt.Fprintf(out, "| `%s` | %s | %s |\n", key, typeWords[typeOf(f.Type)], words)
			if typeWords[typeOf(f.Type)] == "" {
				t.Errorf("%s is of a type without a word: %s", key, typeOf(f.Type))
			}
		}
	}
	return out.Bytes()
}

var typeWords = map[string]string{
	"string": "text", "bool": "boolean", "Duration": "duration", "Kwargs": "mapping or JSON text", "[]Source": "list of mappings", "Serve": "mapping", "Audit": "mapping", "Size": "size", "int": "number",
	"[]string": "list of text", "[]Prefix": "list of text",
}

func typeOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return typeOf(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.ArrayType:
		return "[]" + typeOf(e.Elt)
	}
	return ""
}

func structsOf(t *testing.T) map[string]*ast.StructType {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*ast.StructType{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				found[spec.Name.Name] = s
			}
		}
		return true
	})
	return found
}

// TestTheExampleIsRight reads the example of the page.
func TestTheExampleIsRight(t *testing.T) {
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page(t), -1)
	if len(examples) == 0 {
		t.Fatal("the page has no example")
	}
	for _, example := range examples {
		if c, err := decode(example[1], "example", expand); err != nil || len(c.Sources) != 2 || c.WriteTo != "team" {
			t.Errorf("the example: %+v, %v", c, err)
		}
	}
}
