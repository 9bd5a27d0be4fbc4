// Package simproc starts children on the hosts of a simulated world: scripts in place of programs.
// Package aiotest has the scripts, package subprocess asks for them.
package simproc

import (
	"context"

	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/internal/sys"
)

// Spec says what to start.
type Spec struct {
	Args   []string
	Path   string // if not Args[0]
	Dir    string
	Env    []string
	Piped  [3]bool // the parent has the other end of the stream
	Merged bool    // stderr is stdout
}

// Child is a started script. Its fields are for the loop.
type Child struct {
	Pid    int
	Pipes  [3]*simnet.Conn  // the parent's ends, nil for a stream that is not piped
	Signal func(sys.Signal) // sends to the child, which has not ended
	Ended  bool
	Code   int
	OnEnd  func() // called once when the child ends; nil: nobody waits
}

// Launcher is a host.
type Launcher interface {
	// Launch starts a child. The error is that of os/exec.
	Launch(ctx context.Context, s Spec) (*Child, error)
}

type launcherKey struct{}

// WithLauncher returns a context of a program on a host.
func WithLauncher(ctx context.Context, l Launcher) context.Context {
	return context.WithValue(ctx, launcherKey{}, l)
}

// LauncherFrom returns the host, nil if children are real.
func LauncherFrom(ctx context.Context) Launcher {
	l, _ := ctx.Value(launcherKey{}).(Launcher)
	return l
}

type pipeKey struct{}

// WithPipe returns a context in which the next pipe that is connected is c, in place of a file.
func WithPipe(ctx context.Context, c *simnet.Conn) context.Context {
	return context.WithValue(ctx, pipeKey{}, c)
}

// PipeFrom returns the pipe of ctx, nil if there is none.
func PipeFrom(ctx context.Context) *simnet.Conn {
	c, _ := ctx.Value(pipeKey{}).(*simnet.Conn)
	return c
}
