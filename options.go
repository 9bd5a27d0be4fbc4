package aio

import (
	"os"
	"time"

	"github.com/aio-go/aio/internal/poll"
)

// Option is a setting of a loop, for [Run], [NewRunner] and [NewLoop].
type Option interface{ loopOption(l *Loop) }

type option func(l *Loop)

func (o option) loopOption(l *Loop) { o(l) }

// WithClock sets the clock. Default: the machine's. See [NewVirtualClock].
func WithClock(c Clock) Option { return option(func(l *Loop) { l.clock = c }) }

// WithChooser lets c make every decision of the loop. Default: none, first in, first out.
func WithChooser(c Chooser) Option { return option(func(l *Loop) { l.chooser = c }) }

// Poller waits for descriptors on behalf of a loop. A loop asks for one when it gets its first descriptor.
type Poller = poll.Poller

// PollEvent is what a [Poller] reports.
type PollEvent = poll.Event

// WithPoller sets what makes the poller. Default: epoll on Linux, kqueue on macOS and the BSDs, none elsewhere.
func WithPoller(make func() (Poller, error)) Option {
	mustHave("WithPoller", make != nil)
	return option(func(l *Loop) { l.newPoll = make })
}

// WithDebug switches debug mode. Default: on if the environment variable AIO_DEBUG is set and not empty.
func WithDebug(on bool) Option { return option(func(l *Loop) { l.debug.Store(on) }) }

// WithExceptionHandler sets the function that gets reports. Default: they are logged. See [Loop.SetExceptionHandler].
func WithExceptionHandler(fn func(l *Loop, r Report)) Option {
	return option(func(l *Loop) { l.handler = fn })
}

// WithPromptReports has the error of a task reported in the pass after its end if nobody waits for the task then. It finds background tasks
// that died while their handles were kept, but also reports a task that is awaited only after it has failed; who awaits it still gets the
// error, and no error is reported twice. Default: off, so that an error is reported when nobody can look at it any more: when the task was
// collected, or the loop closes. A panic is always reported promptly.
func WithPromptReports(on bool) Option { return option(func(l *Loop) { l.prompt = on }) }

// WithInterrupt makes Run handle the signals given, os.Interrupt if none are: the first cancels the main task, whose Run then returns an
// error that matches [ErrInterrupted]; from the second on they have their default effect. Default: Run takes no signals.
func WithInterrupt(sig ...os.Signal) Option {
	if len(sig) == 0 {
		sig = []os.Signal{os.Interrupt}
	}
	return option(func(l *Loop) { l.interrupt = sig })
}

// WithShutdown bounds the two phases in which Run ends what the main task left behind: for at most drain it lets the other tasks go on by
// themselves, then it cancels them and waits for at most grace, then it ends those that are left at their awaits and reports them.
// Defaults: 0 and 10 s.
func WithShutdown(drain, grace time.Duration) Option {
	return option(func(l *Loop) { l.deadline = shutdownLimits{drain, grace} })
}

type shutdownLimits struct{ drain, grace time.Duration }

var defaultLimits = shutdownLimits{drain: 0, grace: 10 * time.Second}
