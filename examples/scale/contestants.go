package main

import (
	"bufio"
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/subprocess"
)

// contestant is one way to have many things wait at the same time.
type contestant struct {
	name        string
	usual, most int
	// wait starts n of them and calls reached when all of them wait. Then it ends them, and returns
	// when all have ended. others are the processes whose memory counts beside this one's.
	wait func(ctx context.Context, n int, reached func(others ...int)) error
}

var contestants = []contestant{
	{"tasks", 100_000, 2_000_000, onLoop(tasks)},
	{"goroutines", 100_000, 2_000_000, goroutines},
	{"connections", 10_000, 20_000, onLoop(connections)},
	{"threads", 1000, 5000, threads},
	{"processes", 50, 500, onLoop(processes)},
}

// onLoop makes a contestant of a function for a loop.
func onLoop(
	fn func(ctx context.Context, n int, reached func(others ...int)) error,
) func(ctx context.Context, n int, reached func(others ...int)) error {
	return func(ctx context.Context, n int, reached func(others ...int)) error {
		return cli.Loop(ctx, func(ctx context.Context) error { return fn(ctx, n, reached) })
	}
}

// tasks wait for an event, which the last one of them finds that all others wait for.
func tasks(ctx context.Context, n int, reached func(others ...int)) error {
	var end aiosync.Event
	waiting := 0
	all := aio.NewFuture[aio.None](ctx)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for i := range n {
			if i%1000 == 999 { // or Ctrl-C would have to wait for all of them
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			g.Go(func(ctx context.Context) error {
				if waiting++; waiting == n {
					all.SetResult(aio.None{})
				}
				return end.Wait(ctx)
			})
		}
		if _, err := all.Await(ctx); err != nil {
			return err
		}
		reached()
		end.Set()
		return nil
	})
}

// goroutines wait for a channel.
func goroutines(ctx context.Context, n int, reached func(others ...int)) error {
	return wait(ctx, n, reached, func() {})
}

// threads are goroutines that each keep a thread, and end it.
func threads(ctx context.Context, n int, reached func(others ...int)) error {
	return wait(ctx, n, reached, runtime.LockOSThread) // without an unlock the thread ends, too
}

func wait(ctx context.Context, n int, reached func(others ...int), first func()) error {
	var waiting, ended sync.WaitGroup
	end := make(chan struct{})
	waiting.Add(n)
	for range n {
		ended.Go(func() {
			first()
			waiting.Done()
			<-end
		})
	}
	waiting.Wait()
	if ctx.Err() == nil {
		reached()
	}
	close(end)
	ended.Wait()
	return context.Cause(ctx)
}

// connections are open at the same time, to a server that is a process of its own. At each end a
// task waits for the other: a line has gone both ways, and no further one comes.
func connections(ctx context.Context, n int, reached func(others ...int)) error {
	raiseLimit(n + 100)
	cmd, err := self("-contestant", server, "-connections", fmt.Sprint(n))
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout = subprocess.Pipe, subprocess.Pipe
	return cmd.With(ctx, func(ctx context.Context, p *subprocess.Process) error {
		address, err := p.Stdout.ReadLine(ctx)
		if err != nil {
			return err
		}
		err = connect(ctx, strings.TrimSpace(string(address)), n, func() { reached(p.Pid()) })
		if err != nil {
			return err
		}
		p.Stdin.Close()
		_, err = p.Wait(ctx)
		return err
	})
}

// connect opens the connections, and closes them when all are open.
func connect(ctx context.Context, address string, n int, reached func()) error {
	dialling := aiosync.NewLimiter(100) // the queue of those not accepted has a limit
	var end aiosync.Event
	open := 0
	all := aio.NewFuture[aio.None](ctx)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for i := range n {
			g.Go(func(ctx context.Context) error {
				if err := dialling.Acquire(ctx); err != nil {
					return err
				}
				r, w, err := stream.Open(ctx, "tcp", address)
				dialling.Release()
				if err != nil {
					return err
				}
				defer w.Close()
				fmt.Fprintf(w, "hello from %d\n", i)
				if _, err := r.ReadLine(ctx); err != nil {
					return err
				}
				if open++; open == n {
					all.SetResult(aio.None{})
				}
				return end.Wait(ctx)
			})
		}
		if _, err := all.Await(ctx); err != nil {
			return err
		}
		reached()
		end.Set()
		return nil
	})
}

// processes are this program again, each waiting for the end of its input.
func processes(ctx context.Context, n int, reached func(others ...int)) error {
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		var end aiosync.Event
		var pids []int
		all := aio.NewFuture[aio.None](ctx)
		for range n {
			g.Go(func(ctx context.Context) error {
				cmd, err := self("-contestant", waiter)
				if err != nil {
					return err
				}
				cmd.Stdin, cmd.Stdout = subprocess.Pipe, subprocess.Pipe
				return cmd.With(ctx, func(ctx context.Context, p *subprocess.Process) error {
					if _, err := p.Stdout.ReadLine(ctx); err != nil {
						return err
					}
					if pids = append(pids, p.Pid()); len(pids) == n {
						all.SetResult(aio.None{})
					}
					if err := end.Wait(ctx); err != nil {
						return err
					}
					p.Stdin.Close()
					_, err := p.Wait(ctx)
					return err
				})
			})
		}
		if _, err := all.Await(ctx); err != nil {
			return err
		}
		reached(pids...)
		end.Set()
		return nil
	})
}

// The names under which this program is only a part of a contestant.
const (
	waiter = "waiter"
	server = "server"
)

// beWaiter waits for the end of the input.
func beWaiter(std cli.Streams) int {
	fmt.Fprintln(std.Out, "here")
	bufio.NewReader(std.In).ReadByte()
	return cli.OK
}

// beServer sends back what it receives, until the end of its input.
func beServer(ctx context.Context, n int, std cli.Streams) int {
	raiseLimit(n + 100)
	return std.Serve(ctx, "scale", func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				for line, err := range r.Lines(ctx) {
					if err != nil {
						return err
					}
					w.Write(line)
				}
				return nil
			})
		if err != nil {
			return err
		}
		defer server.Close()
		fmt.Fprintln(std.Out, server.Addrs()[0])
		return aio.Blocking(ctx, func(context.Context) error {
			bufio.NewReader(std.In).ReadByte()
			return nil
		})
	})
}
