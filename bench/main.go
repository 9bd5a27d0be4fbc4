// Bench measures aio beside its rivals: the same works done by goroutines and
// by libraries for goroutines, by Python's event loops and by tokio, all in one
// run and in turn.
//
//	go run ./bench -suite micro
//	go run ./bench -suite micro -json
//	go run ./bench -work yield,create_await -rivals goroutine -procs 1
//
// README.md in this folder says how to read the figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	serveIfContestant()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes: a contestant named aio that failed is a failure; a missed
// aim or an absent rival is not.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// A config is what the command line asks for.
type config struct {
	suite     string
	works     []work
	procs     []int
	rivals    []string
	rounds    int
	roundTime time.Duration
	json      bool
	install   bool
}

// rivalNames are the contestants besides aio, in the order of the table.
var rivalNames = []string{"goroutine", "errgroup", "conc", "ants", "tokio", "uvloop", "asyncio", "trio"}

// newEntrant returns the contestant of a name.
func newEntrant(name string) *entrant {
	switch name {
	case "asyncio", "uvloop", "trio":
		return pythonEntrant(name)
	case "tokio":
		return tokioEntrant()
	default:
		return goEntrant(name)
	}
}

// parse reads the command line. What is wrong with it has been said on stderr
// when it returns an error.
func parse(args []string, stderr io.Writer) (*config, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		c      config
		works  string
		procs  string
		rivals string
		scale  float64
	)
	flags.StringVar(&c.suite, "suite", "micro", "the `suite` to run; there is one: micro")
	flags.BoolVar(&c.json, "json", false, "print JSON instead of a table")
	flags.StringVar(&works, "work", "", "run only these works of the suite, a comma-separated `list`")
	flags.StringVar(&procs, "procs", "2,1", "the values of GOMAXPROCS to measure at, a `list`")
	flags.StringVar(&rivals, "rivals", strings.Join(rivalNames, ","), "compare with these, a `list`; none for aio alone")
	flags.IntVar(&c.rounds, "rounds", 9, "rounds of each contestant; the figure is their median")
	flags.DurationVar(&c.roundTime, "roundtime", 50*time.Millisecond, "how long a round is to take, for works that can be repeated")
	flags.Float64Var(&scale, "scale", 1, "multiply the size of the large works by this `factor`, for a quick look")
	flags.BoolVar(&c.install, "install", false, "first install uvloop and trio (with pip) and build tokio (with cargo), in the user's cache directory")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./bench [flags]")
		flags.PrintDefaults()
		fmt.Fprintf(stderr, "works of micro: %s\n", strings.Join(workNames(micro), ", "))
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if err := c.complete(flags.Args(), works, procs, rivals, scale); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return nil, err
	}
	return &c, nil
}

// complete checks the flags and fills in what they name.
func (c *config) complete(rest []string, works, procs, rivals string, scale float64) error {
	suite, ok := suites[c.suite]
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case !ok:
		return fmt.Errorf("no suite %q; there is: micro", c.suite)
	case c.rounds < 1:
		return errors.New("-rounds must be at least 1")
	case c.roundTime <= 0:
		return errors.New("-roundtime must be positive")
	case !(scale > 0 && scale <= 1):
		return errors.New("-scale must be above 0 and at most 1")
	}
	picked, err := pick(suite, works)
	if err != nil {
		return err
	}
	for _, w := range picked {
		c.works = append(c.works, w.scaled(scale))
	}
	for _, field := range splitList(procs) {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return fmt.Errorf("-procs: %q is not a positive number", field)
		}
		c.procs = append(c.procs, n)
	}
	if len(c.procs) == 0 {
		return errors.New("-procs names no value")
	}
	for _, name := range splitList(rivals) {
		if name == "none" || name == "aio" {
			continue
		}
		if !slices.Contains(rivalNames, name) {
			return fmt.Errorf("no rival %q; there are: %s", name, strings.Join(rivalNames, ", "))
		}
		c.rivals = append(c.rivals, name)
	}
	return nil
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	if c.install {
		fmt.Fprintln(stderr, "installing uvloop, trio and tokio")
		if err := install(ctx); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
		}
	}
	table := stdout
	if c.json {
		table = io.Discard
	}
	rep, err := measure(ctx, c, table, newProgress(os.Stderr))
	if c.json && rep != nil {
		if err := rep.writeJSON(stdout); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return exitFailed
		}
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: interrupted; what was measured is above")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	return exitOK
}

// measure runs the suite and prints each row to table as it is done. The
// report holds the rows that were done, also where there is an error: that aio
// failed, or that ctx was cancelled.
func measure(ctx context.Context, c *config, table io.Writer, p *progress) (*report, error) {
	defer p.clear()
	rep := &report{Suite: c.suite, Rows: []row{}, Absent: map[string]string{}}
	entrants, err := assemble(ctx, c.rivals, rep)
	if err != nil {
		return rep, err
	}
	names := make([]string, len(entrants))
	for i, e := range entrants {
		names[i] = e.name
	}
	writeHeading(table, c, entrants, rep.Absent)
	r := &runner{rounds: c.rounds, roundTime: c.roundTime, now: time.Now, progress: p.step}
	var failures []error
	for _, w := range c.works {
		for _, procs := range c.procs {
			p.label = fmt.Sprintf("%s, GOMAXPROCS=%d", w.name, procs)
			seats := seatsFor(w, procs, entrants)
			if err := r.run(ctx, w, seats); err != nil {
				return rep, err
			}
			for _, s := range seats {
				if s.err != nil {
					rep.Absent[s.name+"/"+w.name] = s.err.Error()
				}
				if s.err != nil && s.name == "aio" {
					failures = append(failures, fmt.Errorf("aio, %s, GOMAXPROCS=%d: %w", w.name, procs, s.err))
				}
			}
			rep.Rows = append(rep.Rows, newRow(w, procs, seats))
			p.clear()
			rep.writeRow(table, w, names)
		}
	}
	return rep, errors.Join(failures...)
}

// assemble probes aio and the rivals and returns those that can run here; the
// others go into the report with the reason.
func assemble(ctx context.Context, rivals []string, rep *report) ([]*entrant, error) {
	var entrants []*entrant
	for _, name := range append([]string{"aio"}, rivals...) {
		e := newEntrant(name)
		err := e.probe(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && name == "aio":
			return nil, fmt.Errorf("aio: %w", err)
		case err != nil:
			rep.Absent[name] = err.Error()
		default:
			entrants = append(entrants, e)
		}
	}
	return entrants, nil
}

// seatsFor gives a seat to each contestant that does the work.
func seatsFor(w work, procs int, entrants []*entrant) []*seat {
	var seats []*seat
	for _, e := range entrants {
		if e.takesPart(w) {
			seats = append(seats, &seat{name: e.name, budget: e.budget, open: func(ctx context.Context) (player, error) {
				return e.start(ctx, procs)
			}})
		}
	}
	return seats
}

// writeHeading says what is compared on what.
func writeHeading(out io.Writer, c *config, entrants []*entrant, absent map[string]string) {
	fmt.Fprintf(out, "%s on %s/%s, %d CPUs, median of %d rounds in turn; less is better\n",
		c.suite, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), c.rounds)
	for _, e := range entrants {
		fmt.Fprintf(out, "  %-10s %s\n", e.name, e.version)
	}
	for _, name := range c.rivals {
		if reason, ok := absent[name]; ok {
			fmt.Fprintf(out, "  %-10s absent: %s\n", name, reason)
		}
	}
	fmt.Fprintln(out)
}
