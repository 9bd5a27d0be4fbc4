// Db is a bank: tellers move money between accounts, each time in a transaction of a database.
//
//	go run ./examples/db                       in a SQLite database of its own
//	go run ./examples/db -file bank.db         in this one, which it makes if need be
//	go run ./examples/db -url postgres://...   in PostgreSQL
//	go run ./examples/db -help
//
// transfer.go has the transaction, books.go reads row by row, tellers.go does many at a time. The
// rest is what a program needs around that.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("db", usage, err)
	}
	p := &program{settings: s, Streams: std}
	code, err := cli.Run(ctx, p.main)
	switch {
	case code == cli.Interrupted:
		fmt.Fprintln(std.Err, "db: interrupted:", p.summary())
		return code
	case err != nil:
		std.Fail("db", errors.New(reason(err)))
		if p.count.planned > 0 {
			fmt.Fprintf(std.Err, "db: %s\n", p.summary())
		}
		return cli.Failed
	}
	return cli.OK
}

// program is one run.
type program struct {
	settings
	cli.Streams
	count counts
	books *books // after the last transfer; nil if they could not be read
}

// main is the main task.
func (p *program) main(ctx context.Context) (err error) {
	b, err := open(ctx, p.settings)
	if err != nil {
		return err
	}
	defer func() {
		// Closing waits, too, and is done also after Ctrl-C, when every other wait fails.
		if failed := b.close(context.WithoutCancel(ctx)); err == nil {
			err = failed
		}
	}()
	before, err := b.audit(ctx)
	if err != nil {
		return err
	}
	if !p.json {
		fmt.Fprintf(p.Out, "%s: %v\n", b.name, before)
	}

	start := aio.RunningLoop(ctx).Time()
	err = p.work(ctx, b)
	took := aio.RunningLoop(ctx).Time().Sub(start)

	// The result is shown in any case, and the books are read as long as the database answers.
	if after, failed := b.audit(context.WithoutCancel(ctx)); failed == nil {
		p.books = &after
	} else if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return p.report(ctx, b, took)
}

// summary says in one line what was done, also after an interruption.
func (p *program) summary() string {
	text := p.count.String()
	switch {
	case p.books == nil:
		text += "; what was committed is safe"
	case p.books.balanced():
		text += "; the books balance"
	default:
		text += "; " + p.books.problem
	}
	return text
}

// report shows the result.
func (p *program) report(ctx context.Context, b *bank, took time.Duration) error {
	if !p.books.balanced() {
		return errors.New(p.books.problem)
	}
	if p.json {
		return p.writeResult(took)
	}
	rate := float64(p.count.made) / max(took.Seconds(), 1e-9)
	fmt.Fprintf(p.Out, "%v, in %.2f s, %.0f a second\n\nThe largest transfers of all:\n\n",
		p.count, took.Seconds(), rate)
	if err := b.largest(ctx, p.Out); err != nil {
		return err
	}
	fmt.Fprintf(p.Out, "\nThe books balance: %v.\n", p.books)
	return nil
}
