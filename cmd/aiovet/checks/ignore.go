package checks

import (
	"go/ast"
	"go/token"
	"reflect"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Ignore collects the comments that silence a line, and reports those without a reason.
var Ignore = &analysis.Analyzer{
	Name: "ignore",
	Doc: `report comments //aiovet:ignore that give no reason

A comment //aiovet:ignore REASON silences all checks of aiovet on its line, or on the next line if
it has its line for itself. Without a reason it silences nothing.`,
	Run:        collectIgnored,
	ResultType: reflect.TypeFor[ignored](),
}

const directive = "//aiovet:ignore"

// ignored has the lines that are silenced.
type ignored map[line]bool

type line struct {
	file string
	n    int
}

func collectIgnored(pass *analysis.Pass) (any, error) {
	lines := ignored{}
	for _, file := range pass.Files {
		code := map[int]bool{} // lines where code begins or ends before a comment
		for _, group := range file.Comments {
			for _, c := range group.List {
				reason, found := strings.CutPrefix(c.Text, directive)
				if !found || reason != "" && reason[0] != ' ' && reason[0] != '\t' {
					continue
				}
				reason, _, _ = strings.Cut(reason, " // want ") // a test of the checks themselves
				if strings.TrimSpace(reason) == "" {
					pass.Reportf(
						c.Pos(),
						"%s without a reason silences nothing; write why the code is right",
						directive,
					)
					continue
				}
				if len(code) == 0 {
					code = linesWithCode(pass.Fset, file)
				}
				at := pass.Fset.Position(c.Pos())
				if !code[at.Line] {
					at.Line++
				}
				lines[line{at.Filename, at.Line}] = true
			}
		}
	}
	return lines, nil
}

// report reports d unless its line is silenced.
func report(pass *analysis.Pass, d analysis.Diagnostic) {
	at := pass.Fset.Position(d.Pos)
	if !pass.ResultOf[Ignore].(ignored)[line{at.Filename, at.Line}] {
		pass.Report(d)
	}
}

func edit(pos, end token.Pos, text string) analysis.TextEdit {
	return analysis.TextEdit{Pos: pos, End: end, NewText: []byte(text)}
}

// linesWithCode returns the lines on which something of a file begins or ends.
func linesWithCode(fset *token.FileSet, file *ast.File) map[int]bool {
	lines := map[int]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.File:
			return n != nil
		case *ast.CommentGroup, *ast.Comment:
			return false
		}
		lines[fset.Position(n.Pos()).Line] = true
		lines[fset.Position(n.End()).Line] = true
		return true
	})
	return lines
}
