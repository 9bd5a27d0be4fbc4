// Pipeline runs shell-like pipelines without a shell, and one command for many items at once.
//
//	go run ./examples/pipeline                                    a small show of both
//	go run ./examples/pipeline 'cat f | sort | uniq -c'
//	go run ./examples/pipeline each -j 8 -timeout 5s 'gzip -k {}' *.txt
//	go run ./examples/pipeline -help
//
// child.go runs one child; stages.go joins several by pipes, each.go runs many. words.go reads what
// to run, output.go shows what they write. The rest is what a program needs around that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/subprocess"
)

func main() {
	std := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	if isTerminal(os.Stderr) {
		std.progress = os.Stderr
	}
	os.Exit(run(context.Background(), os.Args[1:], std))
}

// streams are where the program reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	progress io.Writer // nil without a terminal
}

// The exit codes, beside the number of failures.
const (
	allDone        = 0
	manyFailed     = 101 // more than a hundred
	wrongUsage     = 125 // or this program itself has failed
	wasInterrupted = 130
	readerLeft     = 141 // as after SIGPIPE, which would have ended another program
)

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std streams) int {
	s, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(std.out, usage)
		return allDone
	}
	if err != nil {
		fmt.Fprintf(std.err, "pipeline: %v\nTry pipeline -help.\n", err)
		return wrongUsage
	}
	p := &program{settings: s, streams: std, live: map[*subprocess.Process]bool{}}
	err = aio.Run(ctx, p.main)
	switch {
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(std.err, "pipeline: interrupted:", p.summary())
		return wasInterrupted
	case errors.Is(err, errReaderLeft):
		return readerLeft
	case err != nil:
		fmt.Fprintln(std.err, "pipeline:", cli.Line(err))
		return wrongUsage
	case p.failed > 0 && p.total() > 1:
		fmt.Fprintln(std.err, "pipeline:", p.summary())
	}
	return min(p.failed, manyFailed)
}

var errInterrupted = errors.New("interrupted")

// program is one run.
type program struct {
	settings
	streams
	output  aiosync.Lock                 // held while something is written
	live    map[*subprocess.Process]bool // the children that run
	running int
	counts
}

// main is the main task: it does the work in another one, which signals can cancel.
func (p *program) main(ctx context.Context) error {
	work := aio.Start(ctx, p.work, aio.Name("work"))
	loop := aio.RunningLoop(ctx)
	interrupted := false
	interrupt := func() {
		if interrupted { // for a user who cannot wait for the grace period
			for child := range p.live {
				child.SignalGroup(syscall.SIGKILL)
			}
			return
		}
		interrupted = true
		work.Cancel(errInterrupted)
	}
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if err := loop.AddSignalHandler(sig, interrupt); err != nil {
			return err
		}
	}
	// The reader of our output may leave: that must be an error of the write, and not the end of
	// this process, which has children to care for.
	if err := loop.AddSignalHandler(syscall.SIGPIPE, func() {}); err != nil {
		return err
	}
	_, err := work.Await(ctx)
	if interrupted {
		return errInterrupted
	}
	return err
}

func (p *program) work(ctx context.Context) error {
	switch {
	case p.command == "":
		return p.show(ctx)
	case p.each:
		return p.runEach(ctx, p.command)
	}
	return p.runStages(ctx, p.command)
}

// show is what the program does without arguments.
func (p *program) show(ctx context.Context) error {
	const text = "printf 'pear\\napple\\npear\\nfig\\npear\\nfig\\n' | sort | uniq -c | sort -rn"
	say := p.out
	if p.json { // which is for machines
		say = p.err
	}
	fmt.Fprintf(say, "$ pipeline %s\n", text)
	if err := p.runStages(ctx, text); err != nil {
		return err
	}
	const command = "sh -c 'sleep 0.$1; echo slept 0.$1 s' sh {}"
	p.items = []string{"3", "2", "1"}
	p.tag, p.jobs = !p.json, len(p.items)
	fmt.Fprintf(say, "\n$ pipeline each -tag %q 3 2 1\n", command)
	return p.runEach(ctx, command)
}
