package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/examples/internal/clitest"
)

// db is the program.
var db = clitest.Program(run)

// halfwayFile is, in the environment of the test binary as a process of its own, the database in
// which it stops in the middle of a transaction.
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

// stopHalfway makes twenty transfers, begins another one, says so, and stops there.
func stopHalfway(file string) {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		s, err := parseFlags([]string{"-file", file})
		if err != nil {
			return err
		}
		b, err := open(ctx, s)
		if err != nil {
			return err
		}
		for range 20 {
			if err := b.transfer(ctx, &transfer{Source: 1, Target: 2, Cents: 1_00}); err != nil {
				return err
			}
		}
		return b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			if err := b.move(ctx, tx, &transfer{Source: 1, Target: 2, Cents: 500_00}); err != nil {
				return err
			}
			fmt.Println("halfway")
			return aio.Sleep(ctx, time.Hour)
		})
	})
	fmt.Println(err)
}
