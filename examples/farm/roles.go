package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/subprocess"
)

const (
	// lease is short, so that the jobs of a killed worker are soon with another one.
	lease = 3 * time.Second
	// atOnce is how many jobs a worker runs at a time.
	atOnce = 4
)

func options() []distributed.Option {
	return []distributed.Option{
		distributed.Namespace("farm"), distributed.Lease(lease),
		distributed.Window(10 * time.Minute),
		distributed.Attempts(100), // killed workers are no fault of the job
	}
}

// serve is the broker as a process of its own.
func serve(ctx context.Context, s settings) error {
	broker := distributed.Embedded(s.dir).Listen(s.serve, "")
	c, err := distributed.Open(ctx, broker, options()...)
	if err != nil {
		return err
	}
	defer c.Close()
	return aio.Sleep(ctx, 1<<62)
}

// work is a worker.
func work(ctx context.Context, s settings) error {
	if s.marks != "" {
		file, err := os.OpenFile(s.marks, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		marks = file
	}
	c, err := connect(ctx, s.work)
	if err != nil {
		return err
	}
	defer c.Close()
	return distributed.Work(ctx, c, distributed.Concurrency(atOnce))
}

// connect waits until the broker is there.
func connect(ctx context.Context, url string) (*distributed.Client, error) {
	for {
		c, err := distributed.Connect(ctx, url, options()...)
		if err == nil || errors.Is(err, distributed.ErrUnavailable) {
			return c, err
		}
		if e := aio.Sleep(ctx, 100*time.Millisecond); e != nil {
			return nil, errors.Join(e, err)
		}
	}
}

// farmhand is a process of this program that is started anew when it ends.
type farmhand struct {
	args  []string
	proc  *subprocess.Process
	kills int
}

// self describes this program with other arguments.
func self(args ...string) *subprocess.Cmd {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	return subprocess.Command(path, args...)
}

// keep runs the process again and again, until it ends with code 0 or ctx ends.
func (f *farmhand) keep(ctx context.Context) error {
	for {
		cmd := self(append(f.args, "-child")...)
		cmd.Stdin, cmd.Stderr = subprocess.Pipe, subprocess.Inherit
		var code int
		err := cmd.With(ctx, func(ctx context.Context, p *subprocess.Process) (err error) {
			f.proc = p
			defer func() { f.proc = nil }()
			code, err = p.Wait(ctx)
			return err
		})
		if ctx.Err() != nil || code == 0 && err == nil {
			return err
		}
		if err := aio.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// endWithParent ends this process when its parent has gone, however that has ended: a second
// Ctrl-C, for one, leaves no time for its children.
func endWithParent(in io.Reader) {
	io.Copy(io.Discard, in)
	os.Exit(cli.Failed)
}

// kill ends the process without a warning.
func (f *farmhand) kill() {
	if f.proc != nil && f.proc.Kill() == nil {
		f.kills++
	}
}

// freeAddress is an address of this machine that nobody uses. Its port is below those that systems
// give to connections, so it is still free when the broker starts, and starts again.
func freeAddress() (address string, err error) {
	for range 1000 {
		var l net.Listener
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.N(20_000)))
		if l, err = net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", err
}

// yard is the broker and the workers that farm starts itself.
type yard struct {
	url     string
	broker  *farmhand
	workers []*farmhand
}

// newYard describes the processes. Each worker leaves its marks in a file of its own.
func newYard(dir string, workers int, marks bool) (*yard, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	y := &yard{url: "nats://" + address}
	y.broker = &farmhand{args: []string{"-serve", address, "-dir", filepath.Join(dir, "broker")}}
	for i := range workers {
		args := []string{"-work", y.url}
		if marks {
			args = append(args, "-marks", filepath.Join(dir, fmt.Sprintf("marks-%d", i)))
		}
		y.workers = append(y.workers, &farmhand{args: args})
	}
	return y, nil
}

// start starts the processes as tasks of a group.
func (y *yard) start(g *aio.TaskGroup) {
	g.Go(y.broker.keep, aio.Name("broker"))
	for i, w := range y.workers {
		g.Go(w.keep, aio.Name(fmt.Sprintf("worker %d", i)))
	}
}
