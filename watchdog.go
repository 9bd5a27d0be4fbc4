package aio

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// SetSlowCallbackDuration sets how long a step of a task, or a callback, may hold the loop before it is reported. Default: 100 ms.
// asyncio: slow_callback_duration.
func (l *Loop) SetSlowCallbackDuration(d time.Duration) { l.slow = d }

// WithSlowCallback sets how long a step may hold the loop, and switches the watchdog on also outside debug mode: a goroutine that looks, a
// few times in that span, whether the loop still gets round, and if not logs the stack that holds it up, while it does, and what to use
// instead of what blocks: [Lock] for sync.Mutex, [Recv] for a channel, [Group] for sync.WaitGroup and so on, else [ToThread]. A loop that
// waits is left alone. Default: 100 ms, and the watchdog only in debug mode.
func WithSlowCallback(d time.Duration) Option {
	return option(func(l *Loop) { l.slow, l.watcher = d, d > 0 })
}

// timedStep runs an entry of the ready queue in debug mode.
func (l *Loop) timedStep(r runnable) {
	begin := time.Now()
	r.run()
	if d := time.Since(begin); l.slow > 0 && d >= l.slow {
		l.report(Report{
			Message: fmt.Sprintf("%s held the loop for %v; move what blocks into ToThread, and long computations too", describe(r), d.Round(time.Millisecond)),
			Warning: true,
		})
	}
}

func describe(r runnable) string {
	if s, ok := r.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", r)
}

// watchdog starts the goroutine that notices while a step holds the loop. The function it returns ends it.
func (l *Loop) watchdog() (stop func()) {
	if l.slow <= 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	limit := l.slow
	l.watched = true
	go func() {
		defer close(ended)
		tick := time.NewTicker(max(limit/4, time.Millisecond))
		defer tick.Stop()
		var probe *beat
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			switch {
			case probe != nil && probe.came.Load():
				probe = nil
			case probe == nil:
				if !l.sleeping.Load() {
					probe = &beat{sent: time.Now()}
					probe.warn = probe.sent.Add(limit)
					l.post(probe)
				}
			case time.Now().After(probe.warn):
				l.logBlocked(time.Since(probe.sent))
				probe.warn = time.Now().Add(4 * time.Since(probe.sent)) // once more if it goes on for much longer
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		l.watched = false
		l.noted.Store(nil)
	}
}

// beat is sent through the loop to see whether it gets round.
type beat struct {
	sent, warn time.Time
	came       atomic.Bool
}

func (b *beat) run() { b.came.Store(true) }

// logBlocked logs what holds the loop. It runs on the watchdog's goroutine: the loop cannot be asked now.
func (l *Loop) logBlocked(d time.Duration) {
	var held *goroutineStack
	stacks := dumpStacks()
	current := l.noted.Load()
	for i, g := range stacks {
		if g.state == "coroutine" || g.task == 0 && g.loop == 0 {
			continue
		}
		if held == nil || current != nil && g.task == pointerOf(current) || current == nil && g.loop == pointerOf(l) {
			held = &stacks[i]
		}
	}
	attrs := []slog.Attr{slog.Duration("for", d.Round(time.Millisecond))}
	message := "the loop is held up"
	if held == nil {
		message += "; move what blocks into ToThread"
	} else {
		message += held.remedy()
		if frames := held.user(); len(frames) > 0 {
			attrs = append(attrs, slog.String("at", frames[0].String()), slog.String("stack", joinFrames(frames)))
		}
		attrs = append(attrs, slog.String("state", held.state))
	}
	r := Report{Message: message, Warning: true, Attrs: attrs}
	if current != nil {
		r.TaskName = current.shownName()
	}
	logReport(r)
}

func joinFrames(frames []stackFrame) string {
	parts := make([]string, len(frames))
	for i, f := range frames {
		parts[i] = f.String()
	}
	return strings.Join(parts, " < ")
}
