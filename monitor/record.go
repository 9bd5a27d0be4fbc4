package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aio-go/aio/internal/flight"
	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/recorder"
)

// maxEvents limits the events of a loop in an answer to another process: some 20 MB.
const maxEvents = 1 << 17

// MaxRecord is for how long [Record] records at most.
const MaxRecord = time.Minute

// RecordQuestion says what [Record] is to return. The zero value asks for all that the loops
// remember.
type RecordQuestion struct {
	Loop uint64        // only this loop; 0: all
	For  time.Duration // first record for so long, also loops that do not; at most MaxRecord
	Task uint32        // only events about this task, and those that led to them; 0: all
	Last int           // only so many events, the last ones; 0: all
}

// Record returns what the loops of this process remember. With For it waits for so long, and loops
// without a recorder have one in that time. Without it they are left out, and the error is
// [recorder.ErrOff] if there is no other. It returns the error of ctx if that ends first. Any
// goroutine. A task calls it in aio.ToThread, because it waits.
func Record(ctx context.Context, q RecordQuestion) ([]recorder.Recording, error) {
	if q.For < 0 || q.For > MaxRecord {
		return nil, fmt.Errorf("aio: monitor: recording takes at most %v", MaxRecord)
	}
	var subjects []*subject
	for _, e := range inspect.Running() {
		if q.Loop == 0 || q.Loop == e.Number {
			subjects = append(subjects, subjectOf(e))
		}
	}
	if len(subjects) == 0 {
		return nil, errors.New("aio: monitor: there is no such loop")
	}
	if q.For > 0 {
		for _, s := range subjects {
			s.lend()
			defer s.giveBack()
		}
		select {
		case <-time.After(q.For):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	all := []recorder.Recording{}
	for _, s := range subjects {
		if r, err := recorder.Take(s.loop); err == nil {
			all = append(all, q.part(r))
		}
	}
	if len(all) == 0 && q.For > 0 {
		return nil, errors.New("aio: monitor: the loop has not answered, so it did not record")
	}
	if len(all) == 0 {
		return nil, recorder.ErrOff
	}
	return all, nil
}

// lent counts those for whom a loop has a recorder that it would not have.
type lent struct {
	mu    sync.Mutex
	users int
}

// lend gives the loop a recorder if it has none, as soon as it answers.
func (s *subject) lend() {
	s.lent.mu.Lock()
	defer s.lent.mu.Unlock()
	if s.lent.users++; s.lent.users == 1 {
		s.onLoop(func() {
			if flight.Of(s.loop) == nil {
				s.lending = true
				flight.Record(s.loop, recorder.DefaultEvents, nil)
			}
		})
	}
}

// giveBack takes the recorder away if nobody else needs it.
func (s *subject) giveBack() {
	s.lent.mu.Lock()
	defer s.lent.mu.Unlock()
	if s.lent.users--; s.lent.users == 0 {
		s.onLoop(func() {
			if s.lending {
				s.lending = false
				flight.Record(s.loop, 0, nil)
			}
		})
	}
}

// onLoop calls fn on the loop, now or later. A loop that is closed needs it no more.
func (s *subject) onLoop(fn func()) {
	if s.loop.IsHere() {
		fn()
		return
	}
	_, _ = s.loop.CallSoonThreadsafe(fn)
}

// part returns the part of r that was asked for.
func (q *RecordQuestion) part(r recorder.Recording) recorder.Recording {
	if q.Task != 0 {
		causes := map[uint64]bool{}
		for _, e := range r.Events {
			if e.Task == q.Task {
				causes[e.By] = true
			}
		}
		r.Events = slices.DeleteFunc(r.Events, func(e recorder.Event) bool {
			return e.Task != q.Task && !causes[e.Number]
		})
	}
	if n := len(r.Events); q.Last > 0 && n > q.Last {
		r.Events, r.Lost = r.Events[n-q.Last:], r.Lost+uint64(n-q.Last)
	}
	if q.Task != 0 || q.Last > 0 {
		named := map[uint32]bool{}
		for _, e := range r.Events {
			named[e.Task] = true
		}
		r.Tasks = slices.DeleteFunc(r.Tasks, func(t recorder.Task) bool { return !named[t.ID] })
	}
	return r
}
