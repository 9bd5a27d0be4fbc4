package cookbook_test

import (
	"flag"
	"testing"

	"github.com/aio-go/aio/internal/pages"
)

// The programs on the pages of the cookbook are the Example functions of this folder. They are
// compiled and run, and the pages show them. After a change of an Example
//
//	go test ./docs/cookbook -run Pages -update
//
// writes the pages anew.
var update = flag.Bool("update", false, "write the programs and their output into the pages")

func TestThePagesShowTheProgramsThatAreTested(t *testing.T) { pages.Check(t, *update) }

// A program that is copied from a page compiles in a module of its own.
func TestEachProgramCompilesWhereItIsPasted(t *testing.T) {
	pages.Vet(t, "../..", pages.Programs(t))
}
