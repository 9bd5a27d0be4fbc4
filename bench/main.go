// Bench measures aio beside its rivals: the same works done by goroutines and
// by libraries for goroutines, by Python's event loops and by tokio, all in one
// run and in turn.
//
//	go run ./bench -suite micro
//	go run ./bench -suite micro -json
//	go run ./bench -work yield,create_await -rivals goroutine -procs 1
//	go run ./bench -suite net
//
// README.md in this folder says how to read the figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	serveIfContestant()
	serveNetIfContestant()
	loadIfGenerator()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
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
	profile   string
	json      bool
	install   bool
}

// newEntrant returns the contestant of a name in the suite micro.
func newEntrant(name string) *entrant {
	switch name {
	case "asyncio", "uvloop", "trio":
		return pythonEntrant(name)
	case "tokio":
		return tokioEntrant()
	case "shuttle":
		return shuttleEntrant()
	default:
		return goEntrant(name)
	}
}

// parse reads the command line. If it returns an error, it has explained that on stderr.
func parse(args []string, stderr io.Writer) (*config, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		c     config
		lists lists
		scale float64
	)
	flags.StringVar(&c.suite, "suite", "micro", "the `suite` to run: micro, net or aiotest")
	flags.BoolVar(&c.json, "json", false, "print JSON instead of a table")
	flags.StringVar(&lists.works, "work", "",
		"run only these works of the suite, a comma-separated `list`")
	flags.StringVar(&lists.conns, "conns", "",
		"run only the rows with so many connections, a `list`; for the suite net")
	flags.StringVar(&lists.procs, "procs", "", "the values of GOMAXPROCS to measure at, a "+
		"`list`; 2,1 unless given, in the suite net the number of CPUs")
	flags.StringVar(&lists.rivals, "rivals", "all", "compare with these, a `list`; "+
		"all those of the suite, or none for aio alone")
	flags.IntVar(&c.rounds, "rounds", 0, "rounds of each contestant, of which the figure is the "+
		"median; 9 unless given, in the suite net 5")
	flags.DurationVar(&c.roundTime, "roundtime", 0, "how long a round is to take, for works that "+
		"can be repeated; 50ms unless given, in the suite net 500ms")
	flags.StringVar(&c.profile, "profile", "",
		"write CPU profiles of the Go servers into this `folder`; for the suite net")
	flags.Float64Var(&scale, "scale", 1,
		"multiply the size of the large works by this `factor`, for a quick look")
	flags.BoolVar(&c.install, "install", false, "first install uvloop and trio (with pip) and "+
		"build tokio and shuttle (with cargo), in the user's cache directory")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./bench [flags]")
		flags.PrintDefaults()
		for _, name := range slices.Sorted(maps.Keys(suites)) {
			fmt.Fprintf(stderr, "works of %s: %s\n",
				name, strings.Join(workNames(suites[name].works), ", "))
			fmt.Fprintf(stderr, "rivals in %s: %s\n", name, strings.Join(suites[name].rivals, ", "))
		}
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := c.complete(flags.Args(), given, lists, scale); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return nil, err
	}
	return &c, nil
}

// lists are the flags that name several things.
type lists struct{ works, conns, procs, rivals string }

// complete checks the flags and fills in their meaning, with the defaults of the suite.
func (c *config) complete(rest []string, given map[string]bool, lists lists, scale float64) error {
	suite, ok := suites[c.suite]
	if !ok {
		return fmt.Errorf("no suite %q; there are: aiotest, micro, net", c.suite)
	}
	if !given["rounds"] {
		c.rounds = suite.rounds
	}
	if !given["roundtime"] {
		c.roundTime = suite.roundTime
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case c.rounds < 1:
		return errors.New("-rounds must be at least 1")
	case c.roundTime <= 0:
		return errors.New("-roundtime must be positive")
	case !(scale > 0 && scale <= 1):
		return errors.New("-scale must be above 0 and at most 1")
	case c.suite != "net" && c.profile != "":
		return errors.New("-profile is for the suite net; " +
			"README.md says how to profile a work of micro")
	case c.profile != "" && !exists(c.profile):
		return fmt.Errorf("-profile: there is no folder %s", c.profile)
	case c.suite != "net" && given["conns"]:
		return errors.New("-conns is for the suite net")
	}
	var err error
	if c.works, err = pick(suite.works, lists.works); err != nil {
		return err
	}
	if given["conns"] {
		if c.works, err = pickConns(c.works, lists.conns); err != nil {
			return err
		}
	}
	c.works = slices.Clone(c.works)
	for i, w := range c.works {
		c.works[i] = w.scaled(scale)
	}
	if c.procs, err = suite.pickProcs(given["procs"], lists.procs); err != nil {
		return err
	}
	c.rivals, err = suite.pickRivals(lists.rivals)
	return err
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
		fmt.Fprintln(stderr, "installing uvloop, trio, tokio and shuttle")
		if err := install(ctx); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
		}
	}
	suite := suites[c.suite]
	if suite.prepare != nil {
		cleanup, err := suite.prepare(c.works)
		if err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return exitFailed
		}
		defer cleanup()
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
	entrants, err := assemble(ctx, suites[c.suite].newEntrant, c.rivals, rep)
	if err != nil {
		return rep, err
	}
	names := make([]string, len(entrants))
	for i, e := range entrants {
		names[i] = e.name
	}
	writeHeading(table, c, entrants, rep.Absent)
	measureRow := measureMicro
	if c.suite == "net" {
		measureRow = measureNet
	}
	var failures []error
	for _, w := range c.works {
		for _, procs := range c.procs {
			p.label = fmt.Sprintf("%s, GOMAXPROCS=%d", w.title(), procs)
			row, failed, err := measureRow(ctx, c, rep, w, procs, entrants, p.step)
			if err != nil {
				return rep, err
			}
			for name, err := range failed {
				rep.Absent[name+"/"+w.key()] = err.Error()
				if name == "aio" {
					failures = append(failures, fmt.Errorf("aio, %s, GOMAXPROCS=%d: %w",
						w.title(), procs, err))
				}
			}
			rep.Rows = append(rep.Rows, row)
			p.clear()
			rep.writeRow(table, w, names)
		}
	}
	return rep, errors.Join(failures...)
}

// measureMicro measures a row of the suite micro. The error is that of ctx
// alone; contestants that failed are in the map, with the reason.
func measureMicro(
	ctx context.Context,
	c *config,
	_ *report,
	w work,
	procs int,
	entrants []*entrant,
	progress func(done, of int),
) (row, map[string]error, error) {
	r := &runner{rounds: c.rounds, roundTime: c.roundTime, now: time.Now, progress: progress}
	seats := seatsFor(w, procs, entrants)
	if err := r.run(ctx, w, seats); err != nil {
		return row{}, nil, err
	}
	failed := map[string]error{}
	for _, s := range seats {
		if s.err != nil {
			failed[s.name] = s.err
		}
	}
	return newRow(w, procs, seats), failed, nil
}

// assemble probes aio and the rivals and returns those that can run here; the
// others go into the report with the reason.
func assemble(
	ctx context.Context, newEntrant func(name string) *entrant, rivals []string, rep *report,
) ([]*entrant, error) {
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
			seats = append(seats, &seat{name: e.name, budget: e.budget,
				open: func(ctx context.Context) (player, error) {
					return e.start(ctx, procs)
				}})
		}
	}
	return seats
}

// writeHeading says what is compared, and on which machine.
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
