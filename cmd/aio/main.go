// Command aio asks running programs what their loops do.
//
//	aio ps                      the programs of this user that have a monitor
//	aio ps PID                  the tasks of one
//	aio tree PID                who waits for whom
//	aio why PID [TASK]          from a task that is stuck to the one that holds it up
//	aio locks PID               what tasks wait for, and how many
//	aio dump PID                everything, as JSON
//	aio cancel PID TASK         cancel a task, if the program allows it
//	aio record PID              what its loop did last
//	aio top PID                 the tasks, again and again
//	aio web PID                 the same in a browser
//	aio jobs                    the jobs of package distributed, on a broker
//	aio repl [FILE ...]         a prompt for Go in a task of a running loop
//
// A program takes part if it imports _ "github.com/aio-go/aio/monitor" and runs with AIO_MONITOR=1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio/monitor"
)

// Exit codes.
const (
	ok      = 0
	failed  = 1 // the program did not answer, or refused
	misused = 2 // wrong arguments
	busy    = 3 // a loop stands still
	missing = 4 // there is no such process, loop or task
)

const usage = `aio asks running programs what their loops do.

usage: aio COMMAND [flags] [arguments]

  ps                     list the programs of this user that have a monitor
  ps PID                 list the tasks of one: those that hold up most come first
  tree PID               show who waits for whom
  why PID [TASK]         lead from a task that is stuck to the one that holds it up;
                         without a task, from the one with the longest way
  locks PID              show the locks, queues and so on that tasks wait for
  dump PID               write everything as JSON
  cancel PID TASK        cancel a task, if the program allows it
  record PID|FILE        write what a loop did last: who ran when, who woke whom
  top PID                show the tasks again and again
  web PID                serve a page for a browser, on the loopback
  jobs                   count the jobs of package distributed on a broker
  jobs dead              list the jobs that have no further attempt
  jobs retry ID|all      give dead jobs all their attempts once more
  jobs drop ID|all       remove dead jobs
  jobs watch             show what workers tell, until Ctrl-C
  repl [FILE ...]        a prompt for Go in a task of a running loop; FILEs are evaluated first
  completion bash        write a completion script

PID is a process number, or the address of a monitor: the path of its socket, or host:port.
TASK is a number, or a name that only one task has; LOOP/NUMBER if there are several loops.

flags: -json, -loop N, -stacks, -sort held|waited|age|name, -n N, -reason TEXT, -color auto|always|never
flags of jobs: -nats URL (default $NATS_URL, or nats://127.0.0.1:4222), -creds FILE, -namespace NAME
flags of record: -for 5s records so long, also without a recorder in the program; -o FILE; -json is the
format of FILE; -trace is for ui.perfetto.dev; -task N shows one task, -n N the last N events
`

const help = `
A program takes part if its main package imports _ "github.com/aio-go/aio/monitor" and it runs with
AIO_MONITOR=1, or AIO_MONITOR=cancel to allow cancellations. Exit codes: 0 all is well, 1 no answer or
refused, 2 wrong arguments, 3 a loop stands still, 4 no such process or task.

repl runs inputs in tasks of a loop of its own. It cannot be attached to another process: what an
interpreter evaluates there could change anything, and no part of Go is only for questions.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second one ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is one call of the program.
type command struct {
	name   string
	args   []string
	json   bool
	stacks bool
	force  bool
	loop   uint64
	sort   string
	n      int
	reason string
	color  string
	open   bool
	addr   string
	broker broker
	period time.Duration
	output string
	trace  bool
	task   uint64
	attach string

	in        io.Reader // what repl reads, if it is not the standard input
	out, errs io.Writer
	paint     paint
}

// problem is an error with the exit code it leads to.
type problem struct {
	code int
	text string
}

func (p *problem) Error() string { return p.text }

func misuse(format string, args ...any) error {
	return &problem{misused, fmt.Sprintf(format, args...)}
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	c := &command{out: out, errs: errs}
	err := c.parse(args)
	if err == nil {
		err = c.run(ctx)
	}
	switch {
	case err == nil:
		return ok
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, usage, help)
		return ok
	}
	var p *problem
	if errors.As(err, &p) {
		if p.text != "" {
			fmt.Fprintln(errs, "aio:", p.text)
		}
		return p.code
	}
	fmt.Fprintln(errs, "aio:", strings.TrimPrefix(err.Error(), "aio: "))
	if errors.Is(err, monitor.ErrNoMonitor) {
		return missing
	}
	return failed
}

func (c *command) parse(args []string) error {
	if len(args) == 0 {
		return &problem{misused, "no command; aio --help lists them"}
	}
	f := flag.NewFlagSet("aio", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&c.json, "json", false, "")
	f.BoolVar(&c.stacks, "stacks", false, "")
	f.BoolVar(&c.force, "force", false, "")
	f.Uint64Var(&c.loop, "loop", 0, "")
	f.StringVar(&c.sort, "sort", "held", "")
	f.IntVar(&c.n, "n", 0, "")
	f.StringVar(&c.reason, "reason", "", "")
	f.StringVar(&c.color, "color", "auto", "")
	f.BoolVar(&c.open, "open", false, "")
	f.StringVar(&c.attach, "attach", "", "") // only to say why not
	f.StringVar(&c.addr, "addr", "127.0.0.1:0", "")
	c.broker.flags(f)
	f.DurationVar(&c.period, "for", 0, "")
	f.StringVar(&c.output, "o", "", "")
	f.BoolVar(&c.trace, "trace", false, "")
	f.Uint64Var(&c.task, "task", 0, "")
	for len(args) > 0 { // flags may stand anywhere
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return &problem{misused, err.Error()}
		}
		if args = f.Args(); len(args) > 0 {
			c.args, args = append(c.args, args[0]), args[1:]
		}
	}
	if len(c.args) == 0 {
		return &problem{misused, "no command; aio --help lists them"}
	}
	c.name, c.args = c.args[0], c.args[1:]
	if _, known := orders[c.sort]; !known {
		return &problem{misused, "-sort is held, waited, age or name"}
	}
	switch c.color {
	case "always":
		c.paint = true
	case "auto":
		plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
		c.paint = paint(isTerminal(c.out) && !plain)
	case "never":
	default:
		return &problem{misused, "-color is auto, always or never"}
	}
	return nil
}

// usageOf returns how a command is called, out of the help.
func usageOf(name string) string {
	for line := range strings.Lines(usage) {
		if call, ok := strings.CutPrefix(line, "  "+name+" "); ok {
			call, _, _ = strings.Cut(name+" "+strings.TrimSpace(call), "  ")
			return call
		}
	}
	return name
}

func (c *command) run(ctx context.Context) error {
	commands := map[string]struct {
		min, max int
		run      func(ctx context.Context) error
	}{
		"ps":         {0, 1, c.ps},
		"tree":       {1, 1, c.tree},
		"why":        {1, 2, c.why},
		"locks":      {1, 1, c.locks},
		"dump":       {1, 1, c.dump},
		"cancel":     {2, 2, c.cancel},
		"record":     {1, 1, c.record},
		"top":        {1, 1, c.top},
		"web":        {1, 1, c.web},
		"jobs":       {0, 2, c.jobs},
		"repl":       {0, math.MaxInt, c.repl},
		"completion": {1, 1, c.completion},
		"help":       {0, 1, func(context.Context) error { return flag.ErrHelp }},
	}
	cmd, known := commands[c.name]
	switch {
	case !known:
		return misuse("there is no command %q; aio --help lists them", c.name)
	case len(c.args) < cmd.min || len(c.args) > cmd.max:
		return misuse("wrong number of arguments; usage: aio %s", usageOf(c.name))
	}
	return cmd.run(ctx)
}

// connect connects to the process that the first argument names.
func (c *command) connect(ctx context.Context) (*monitor.Client, error) {
	what := c.args[0]
	if strings.ContainsAny(what, `/\:`) {
		return monitor.Dial(ctx, what)
	}
	pid, err := strconv.Atoi(what)
	if err != nil || pid <= 0 {
		return nil, misuse("%q is neither a process number nor an address", what)
	}
	return monitor.Connect(ctx, pid)
}

// picture asks the process that the first argument names.
func (c *command) picture(ctx context.Context, q monitor.Question) (monitor.Picture, error) {
	client, err := c.connect(ctx)
	if err != nil {
		return monitor.Picture{}, err
	}
	defer client.Close()
	return c.ask(ctx, client, q)
}

func (c *command) ask(
	ctx context.Context, client *monitor.Client, q monitor.Question,
) (monitor.Picture, error) {
	q.Loop, q.Force = c.loop, c.force
	p, err := client.Picture(ctx, q)
	if err == nil && c.loop != 0 && len(p.Loops) == 0 {
		return p, &problem{missing, fmt.Sprintf("no loop %d runs in process %d", c.loop, p.PID)}
	}
	return p, err
}
