// Package checks has the analyzers of aiovet, for programs that run analyzers themselves.
//
// They know the API of aio, and learn which functions of a program await, block, or return a
// sequence that awaits. What they have learned of a package is exported as facts, so that its
// importers profit from it. Calls of interface methods and of function values are not followed: a
// mistake is rather missed than invented.
package checks

import (
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/copylock"
)

// Analyzers are the checks of aiovet.
var Analyzers = []*analysis.Analyzer{
	AwaitGo, AwaitErr, Blocks, Cancel, copylock.Analyzer, Ignore, LostResult, MutexAwait, OuterCtx,
}

// What is right in most tests is looked for in their files only if the flag tests is set.
func init() {
	for _, a := range []*analysis.Analyzer{AwaitErr, Blocks, LostResult} {
		a.Flags.Bool("tests", false, "look at files of tests, too")
	}
}

// leftOut reports whether pos is in a file that the analyzer does not look at.
func leftOut(pass *analysis.Pass, pos token.Pos) bool {
	return strings.HasSuffix(pass.Fset.Position(pos).Filename, "_test.go") &&
		pass.Analyzer.Flags.Lookup("tests").Value.String() != "true"
}
