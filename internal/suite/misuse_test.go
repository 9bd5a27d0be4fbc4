package suite_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The message of a panic about misuse names the operation, the problem, and behind a semicolon the
// remedy. Messages that are not literals are tested where they are made.
func TestPanicsAboutMisuseNameTheRemedy(t *testing.T) {
	t.Chdir(root)
	programs := []string{"examples", "bench", "cmd", "internal", "aiotest/internal"}
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(programs, filepath.ToSlash(path)) ||
			name == "testdata" || name != "." && strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case d.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			message, ok := misuseMessage(call)
			if !ok {
				return true
			}
			seen++
			if !strings.Contains(message, ";") {
				t.Errorf("%s: %q has no remedy; add it behind a semicolon",
					fset.Position(call.Pos()), message)
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatal(seen, err)
	}
}

// misuseMessage returns what a call of misuse, mustBe or panic says, if that is a literal.
func misuseMessage(call *ast.CallExpr) (string, bool) {
	name, ok := call.Fun.(*ast.Ident)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	message, whole := literal(call.Args[len(call.Args)-1])
	switch name.Name {
	case "misuse", "mustBe":
		return message, whole
	case "panic": // "package: Operation: problem"
		return message, whole && strings.Count(message, ": ") > 1
	}
	return "", false
}

// literal returns the text of a literal, or of several that are added, and whether it is all of e.
func literal(e ast.Expr) (text string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strings.Trim(e.Value, "\"`"), e.Kind == token.STRING
	case *ast.BinaryExpr:
		x, allX := literal(e.X)
		y, allY := literal(e.Y)
		return x + y, allX && allY
	}
	return "", false
}
