package main

import (
	"os"
	"testing"

	"github.com/aio-go/aio/examples/internal/clitest"
)

// db is the program.
var db = clitest.Program(run)

// halfwayFile is, in the environment of the test binary as a process of its own, the database in which it stops in
// the middle of a transaction.
const halfwayFile = "AIO_EXAMPLE_DB_HALFWAY"

func TestMain(m *testing.M) {
	clitest.Main(m, func() {
		if file := os.Getenv(halfwayFile); file != "" {
			stopHalfway(file)
			return
		}
		main()
	})
}
