// Package recorder is a flight recorder for loops. A loop with it remembers what it did last: which
// task ran when, who woke it, timers, descriptors, cancellations, and which tasks began and ended.
//
//	err := aio.Run(ctx, main, recorder.On(recorder.DumpTo("/var/tmp/shop")))
//
// The memory is a ring of fixed size. It is written to a file when a task panics, when tasks wait
// for each other, when the watchdog finds that a step blocks the loop, or on a signal. [Take] reads
// it at any time, and the command aio reads that of another process: aio record PID.
//
// A [Recording] is written as JSON lines, see [Recording.WriteJSON], or as a trace for
// ui.perfetto.dev, see [Recording.WriteTrace].
//
// The environment variable AIO_RECORD switches the recorder on for all loops of a program that
// imports this package or package monitor: 1 records, and the absolute path of a folder is as
// [DumpTo].
//
// asyncio has no counterpart.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/flight"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/internal/signals"
)

// DefaultEvents is how many events a loop remembers unless [Events] says otherwise.
const DefaultEvents = 1 << 14

// maxDumps limits the dumps of the loops with one option.
const maxDumps = 16

// Option is a setting for [On].
type Option interface{ recorderOption(s *settings) }

type option func(s *settings)

func (o option) recorderOption(s *settings) { o(s) }

type settings struct {
	events  int
	folder  string
	handler func(r Recording)
	signals []os.Signal
	labels  bool
	regions bool

	mu    sync.Mutex
	dumps int
}

// Events sets how many events the loop remembers, at least: the number is rounded up to a power of
// two, at most 1,048,576. An event takes 16 bytes. It panics if n is not positive.
func Events(n int) Option {
	if n < 1 {
		panic("aio: recorder.Events: the number is not positive; give 1 or more")
	}
	return option(func(s *settings) { s.events = n })
}

// DumpTo makes the loop write a file into the folder when something goes wrong: a task or callback
// panics, tasks wait for each other, or a step blocks the loop and the watchdog is on (see
// [aio.WithSlowCallback]). The folder is made if need be. The name of a file has the numbers of the
// process, the loop and the dump, and it has mode 0600. There are at most 16 files for one call of
// On, whatever the number of its loops. Each is logged with [log/slog]. The loop writes the file
// itself, which takes some 2 µs for each event.
func DumpTo(folder string) Option { return option(func(s *settings) { s.folder = folder }) }

// OnDump makes the loop call fn when something goes wrong, see [DumpTo], at most 16 times. The
// recording says what it is. fn runs on the loop, or on the watchdog's goroutine if the loop is
// blocked, and must not call the loop. A panic of fn is logged.
func OnDump(fn func(r Recording)) Option {
	if fn == nil {
		panic("aio: recorder.OnDump: the function is nil; leave the option out")
	}
	return option(func(s *settings) { s.handler = fn })
}

// OnSignal makes a signal do what [DumpTo] and [OnDump] say, one of which has to be given. The
// signal then has no other effect.
func OnSignal(sig os.Signal) Option {
	if err := signals.Check(sig); err != nil {
		panic("aio: recorder.OnSignal: " + err.Error() + "; give another signal")
	}
	return option(func(s *settings) { s.signals = append(s.signals, sig) })
}

// Labels gives each task a label "aio_task" with its name, so CPU profiles of runtime/pprof tell
// which task needs the time. It costs some 300 ns a task.
func Labels() Option { return option(func(s *settings) { s.labels = true }) }

// Regions makes each task a region with its name in traces of runtime/trace. While no trace is
// taken it costs a few nanoseconds a task.
func Regions() Option { return option(func(s *settings) { s.regions = true }) }

// On makes a loop record. Default: a loop does not. It costs at most a tenth of the time of
// tasks that do nothing but wait for each other, and nothing that can be measured elsewhere.
func On(opts ...Option) aio.Option {
	s := &settings{events: DefaultEvents}
	for _, o := range opts {
		if o == nil {
			panic("aio: recorder.On: an option is nil; leave it out")
		}
		o.recorderOption(s)
	}
	if len(s.signals) > 0 && s.folder == "" && s.handler == nil {
		panic("aio: recorder.OnSignal: nobody would see the recording; add DumpTo or OnDump")
	}
	return flight.Option(func(loop any) { s.begin(loop.(*aio.Loop)) }).(aio.Option)
}

func (s *settings) begin(l *aio.Loop) {
	d := &dumper{settings: s, loop: l}
	hooks := &flight.Hooks{Began: s.began()}
	if s.folder != "" || s.handler != nil {
		hooks.Trouble = d.dump
	}
	flight.Record(l, s.events, hooks)
	if len(s.signals) > 0 {
		d.follow()
	}
}

// began returns the hook for labels and regions, nil if neither is wanted.
func (s *settings) began() func(id uint32, name string) func() {
	labels, regions := s.labels, s.regions
	if !labels && !regions {
		return nil
	}
	return func(_ uint32, name string) func() {
		ctx := context.Background()
		if labels {
			pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels("aio_task", name)))
		}
		var region *trace.Region
		if regions {
			region = trace.StartRegion(ctx, name)
		}
		return func() {
			if labels {
				pprof.SetGoroutineLabels(ctx)
			}
			if region != nil {
				region.End()
			}
		}
	}
}

// ErrOff is returned for a loop that does not record.
var ErrOff = errors.New("aio: this loop has no recorder; give it the option recorder.On, or set " +
	variable + "=1")

// Take returns what the loop remembers, or [ErrOff]. Any goroutine, also while the loop stands
// still: then the last steps may be missing, at most 32, if they took less than a microsecond each.
func Take(l *aio.Loop) (Recording, error) {
	r := flight.Of(l)
	if r == nil {
		return Recording{}, ErrOff
	}
	return recordingOf(l, r), nil
}

// dumper writes the recordings of a loop when something goes wrong.
type dumper struct {
	*settings
	loop *aio.Loop
}

func (d *dumper) dump(reason, replay string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dumps == maxDumps {
		return
	}
	r, err := Take(d.loop)
	if err != nil {
		return
	}
	d.dumps++
	if r.Reason = safetext.Message(reason); replay != "" {
		r.Replay = replay
	}
	if d.folder != "" {
		path := filepath.Join(d.folder,
			fmt.Sprintf("aio-%d-%d-%d.jsonl", r.PID, r.Loop, d.dumps))
		if err := r.save(path); err != nil {
			slog.Warn("aio: the recording was not written: " + safetext.Error(err))
		} else {
			slog.Warn("aio: a recording was written", "reason", r.Reason, "file", path)
		}
	}
	if d.handler != nil {
		d.handle(r)
	}
}

func (d *dumper) handle(r Recording) {
	defer func() {
		if v := recover(); v != nil {
			slog.Warn("aio: the function of recorder.OnDump panicked: " +
				safetext.Value(v, safetext.MaxLine))
		}
	}()
	d.handler(r)
}

// save writes the recording into a new file.
func (r Recording) save(path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.WriteJSON(f)
}

// follow dumps on signals until the loop is closed.
func (d *dumper) follow() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, d.signals...)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case sig := <-c:
				d.dump("signal "+sig.String(), "")
			case <-done:
				return
			}
		}
	}()
	d.loop.OnClose(func() {
		signal.Stop(c)
		close(done)
		<-ended
	})
}

// variable switches the recorder on for all loops of a program that imports this package.
const variable = "AIO_RECORD"

func init() {
	s := &settings{events: DefaultEvents}
	switch value := os.Getenv(variable); {
	case value == "" || value == "0" || raisedRights():
		return
	case filepath.IsAbs(value):
		s.folder = value
	case value != "1":
		slog.Warn("aio: " + variable + ": it is neither 1 nor the absolute path of a folder, so " +
			"nothing is recorded")
		return
	}
	flight.Default = func(loop any) {
		if flight.Of(loop) == nil { // no option of the program's own
			s.begin(loop.(*aio.Loop))
		}
	}
}

// raisedRights reports whether the program has more rights than its user: the environment is then
// not to be trusted.
func raisedRights() bool { return os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() }
