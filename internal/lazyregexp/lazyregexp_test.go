package lazyregexp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

func TestRegexp(t *testing.T) {
	r := lazyregexp.New(`(a+)(b)?`)
	if r.String() != `(a+)(b)?` || !r.MatchString("xaab") || r.MatchString("x") {
		t.Error("it does not match as package regexp does")
	}
	if got := r.FindStringSubmatch("xaab"); len(got) != 3 || got[1] != "aa" {
		t.Errorf("FindStringSubmatch = %q", got)
	}
	if got := r.ReplaceAllString("xaabx", "<$1>"); got != "x<aa>x" {
		t.Errorf("ReplaceAllString = %q", got)
	}
}

// TestEveryTextCompiles: what is compiled late still cannot be wrong, for each
// text of the module is compiled here.
func TestEveryTextCompiles(t *testing.T) {
	texts := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if from, isName := packageOf(fun); !ok || !isName || from != "lazyregexp" || fun.Sel.Name != "New" {
				return true
			}
			text, constant := constantText(call.Args[0])
			if !constant {
				t.Errorf("%s: a text that is put together at run time", path)
			} else if _, err := regexp.Compile(text); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			texts++
			return true
		})
		return nil
	})
	if err != nil || texts < 50 {
		t.Errorf("%d texts were found, %v", texts, err)
	}
}

func packageOf(fun *ast.SelectorExpr) (string, bool) {
	if fun == nil {
		return "", false
	}
	name, ok := fun.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	return name.Name, true
}

// constantText is the value of a literal, or of several joined by +.
func constantText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := constantText(e.X)
		right, also := constantText(e.Y)
		return left + right, ok && also
	}
	return "", false
}
