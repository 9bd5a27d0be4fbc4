package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
	"golang.org/x/tools/go/analysis/passes/copylock"
)

// The packages in testdata use aio itself, so that the checks are tested against its code.
func TestEachCheckFindsTheMistakesAndNothingElse(t *testing.T) {
	for _, a := range []*analysis.Analyzer{AwaitGo, Cancel, copylock.Analyzer, LostResult, MutexAwait} {
		t.Run(a.Name, func(t *testing.T) {
			analysistest.Run(t, analysistest.TestData(), a, "./"+a.Name)
		})
	}
}

func TestTheFixesAreThoseOfTheGoldenFiles(t *testing.T) {
	for _, a := range []*analysis.Analyzer{AwaitErr, Blocks, OuterCtx} {
		t.Run(a.Name, func(t *testing.T) {
			analysistest.RunWithSuggestedFixes(t, analysistest.TestData(), a, "./"+a.Name)
		})
	}
}

func TestACommentWithAReasonSilencesItsLine(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), Blocks, "./ignore")
	analysistest.Run(t, analysistest.TestData(), Ignore, "./reason")
}

func TestTheAnalyzersAreValid(t *testing.T) {
	if err := analysis.Validate(Analyzers); err != nil {
		t.Fatal(err)
	}
}

// go vet runs the command for each package and hands the facts from one to the next.
func TestGoVetRunsTheCommandAndKeepsTheFacts(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the command")
	}
	tool := filepath.Join(t.TempDir(), "aiovet")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, "..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "go", "vet", "-vettool="+tool, "./...")
	cmd.Dir = analysistest.TestData()
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("go vet has found nothing")
	}
	for _, want := range []string{
		"awaitgo/a.go:17:7: aio.Sleep awaits", "helpers.Pause awaits, but runs on a goroutine",
		"helpers.Nap blocks the loop, since it calls time.Sleep", "aiosync.Queue.Get is dropped",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("there is no %q in:\n%s", want, out)
		}
	}
}
