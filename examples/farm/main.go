// Farm renders a picture of the Mandelbrot set on a farm of worker processes, through a broker.
//
//	go run ./examples/farm                      a broker and three workers on this machine
//	go run ./examples/farm -kill                the same, and a worker is killed in the middle
//	go run ./examples/farm -nats URL            with the workers and the broker of others
//	go run ./examples/farm -work URL            only a worker
//	go run ./examples/farm -account 60s         everything is killed now and then; the account
//	go run ./examples/farm -help
//
// render.go has the work, farm.go the picture, account.go the account, roles.go the processes.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Farm renders a picture of the Mandelbrot set, tile by tile, on worker processes. A broker hands the
tiles out. It starts a broker and the workers itself, unless -nats names a broker.

    farm [flags]

    -o FILE           where the picture goes (default farm.png)
    -size N           its width and height in pixels (default 1024)
    -depth N          steps for each pixel at most (default 2000)
    -workers N        worker processes (default 3)
    -kill             kill a worker when a third of the tiles is there
    -nats URL         use this NATS server; workers are those that run with -work
    -work URL         do jobs of this NATS server until Ctrl-C
    -account TIME     run jobs that leave a mark for this long, while workers, the broker and the
                      submitter are killed now and then, and check that no mark is missing
    -jobs N           how many jobs the account has (default 20000)
    -json             print the result as one JSON object

Exit code: 0, 1 if something failed or is missing, 2 for a mistake in the command line, 130 after
Ctrl-C or SIGTERM.
`

type settings struct {
	out                  string
	size, depth, workers int
	kill, json           bool
	nats, work           string
	account              time.Duration
	jobs                 int

	// of the processes that farm starts
	serve, submit, marks, dir string
	pause                     time.Duration
	child                     bool // it ends with its input, which the parent holds
}

func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("farm")
	flags.StringVar(&s.out, "o", "farm.png", "")
	flags.IntVar(&s.size, "size", 1024, "")
	flags.IntVar(&s.depth, "depth", 2000, "")
	flags.IntVar(&s.workers, "workers", 3, "")
	flags.BoolVar(&s.kill, "kill", false, "")
	flags.StringVar(&s.nats, "nats", "", "")
	flags.StringVar(&s.work, "work", "", "")
	flags.DurationVar(&s.account, "account", 0, "")
	flags.IntVar(&s.jobs, "jobs", 20_000, "")
	flags.BoolVar(&s.json, "json", false, "")
	flags.StringVar(&s.serve, "serve", "", "")
	flags.StringVar(&s.submit, "submit", "", "")
	flags.StringVar(&s.marks, "marks", "", "")
	flags.StringVar(&s.dir, "dir", "", "")
	flags.DurationVar(&s.pause, "pause", 0, "")
	flags.BoolVar(&s.child, "child", false, "")
	rest, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	if err := cli.NoArguments(rest); err != nil {
		return s, err
	}
	switch {
	case s.size < 16 || s.size > 16384:
		return s, fmt.Errorf("-size is %d; it must be from 16 to 16384", s.size)
	case s.depth < 1 || s.depth > 1_000_000:
		return s, fmt.Errorf("-depth is %d; it must be from 1 to 1000000", s.depth)
	case s.workers < 1 || s.workers > 64:
		return s, fmt.Errorf("-workers is %d; it must be from 1 to 64", s.workers)
	case s.account < 0 || s.account > time.Hour:
		return s, fmt.Errorf("-account is %v; it must be at most 1h", s.account)
	case s.jobs < 1 || s.jobs > 1_000_000:
		return s, fmt.Errorf("-jobs is %d; it must be from 1 to 1000000", s.jobs)
	case s.kill && s.nats != "":
		return s, fmt.Errorf("-kill and -nats do not go together: the workers are those of others")
	}
	return s, nil
}

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("farm", usage, err)
	}
	if s.child {
		go endWithParent(std.In)
	}
	main := func(ctx context.Context) error { return renderPicture(ctx, s, std) }
	switch {
	case s.serve != "":
		return std.Serve(ctx, "farm", func(ctx context.Context) error { return serve(ctx, s) })
	case s.work != "":
		return std.Serve(ctx, "farm", func(ctx context.Context) error { return work(ctx, s) })
	case s.submit != "":
		main = func(ctx context.Context) error { return submit(ctx, s) }
	case s.account > 0:
		main = func(ctx context.Context) error { return account(ctx, s, std) }
	}
	code, err := cli.Run(ctx, main)
	switch code {
	case cli.Failed:
		return std.Fail("farm", err)
	case cli.Interrupted:
		fmt.Fprintln(std.Err, "farm: interrupted")
	}
	return code
}
