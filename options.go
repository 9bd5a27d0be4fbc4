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

// WithChooser lets c make every decision of the loop. Default: none, FIFO.
func WithChooser(c Chooser) Option {
	return option(func(l *Loop) { l.chooser, l.scheduling = c, nil })
}

// Poller waits for descriptors on behalf of a loop, which creates one with its first descriptor.
type Poller = poll.Poller

// PollEvent is an event that a [Poller] reports.
type PollEvent = poll.Event

// WithPoller sets the function that creates the poller. Default: epoll on Linux, kqueue on macOS
// and the BSDs, none elsewhere.
func WithPoller(make func() (Poller, error)) Option {
	mustHave("WithPoller", make != nil)
	return option(func(l *Loop) { l.newPoll = make })
}

// WithDebug switches debug mode on or off. Default: on if the environment variable AIO_DEBUG is not
// empty.
func WithDebug(on bool) Option { return option(func(l *Loop) { l.debug.Store(on) }) }

// WithExceptionHandler sets the function that gets the reports. Default: they are logged. See
// [Loop.SetExceptionHandler].
func WithExceptionHandler(fn func(l *Loop, r Report)) Option {
	return option(func(l *Loop) { l.handler = fn })
}

// WithPromptReports makes the loop report the error of a task soon after the task has ended, if
// nothing waits for the task then. This finds background tasks that failed while their handles were
// kept. A task that is awaited only later is reported too; its Await still returns the error. No
// error is reported twice. Default: off. An error is then reported when no task can retrieve it any
// more: the handle was collected, or the loop closes. A panic is always reported promptly.
func WithPromptReports(on bool) Option { return option(func(l *Loop) { l.prompt = on }) }

// WithInterrupt makes Run handle the given signals, or os.Interrupt without arguments. The first
// signal cancels the main task, and Run returns an error that matches [ErrInterrupted]. From the
// second on, signals have their default effect. Default: Run handles no signals.
func WithInterrupt(sig ...os.Signal) Option {
	if len(sig) == 0 {
		sig = []os.Signal{os.Interrupt}
	}
	return option(func(l *Loop) { l.interrupt = sig })
}

// WithShutdown sets how Run ends the tasks that main left behind. First it lets them continue for
// at most drain. Then it cancels them and waits for at most grace. Tasks that still run are ended
// at their awaits and reported. Defaults: 0 and 10 s.
func WithShutdown(drain, grace time.Duration) Option {
	return option(func(l *Loop) { l.deadline = shutdownLimits{drain, grace} })
}

type shutdownLimits struct{ drain, grace time.Duration }

var defaultLimits = shutdownLimits{drain: 0, grace: 10 * time.Second}
