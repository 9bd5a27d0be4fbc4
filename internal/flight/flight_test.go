package flight_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/aio-go/aio/internal/flight"
)

// A copy of the ring that is made while the loop writes has whole events, each with its number.
func TestACopyHasWholeEventsWhileTheLoopWrites(t *testing.T) {
	now := int64(0)
	r := flight.New(flight.Least, 0, 0, func() int64 { now += 300; return now }, false)
	const events = 200_000
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			seen := uint64(0)
			for {
				select {
				case <-done:
					return
				default:
				}
				p := r.Copy()
				for i, e := range p.Events {
					n := uint32(p.First) + uint32(i)
					if e.What.Kind() == flight.Made && (e.Task != n || e.Cause != ^n || e.Arg != n*3) {
						t.Errorf("event %d is %+v", n, e)
						return
					}
				}
				if p.First < seen {
					t.Errorf("the first event was %d and is %d", seen, p.First)
					return
				}
				seen = p.First
			}
		})
	}
	for range events {
		e := func() flight.Event {
			n := r.Next()
			return flight.Event{Task: n, Cause: ^n, Arg: n * 3, What: flight.Made.With(0)}
		}
		if r.Brisk() {
			r.Put(e())
			continue
		}
		r.Wait() // it reads the clock and shows all
		for r.Next()%4 != 0 {
			r.Put(e())
		}
	}
	close(done)
	readers.Wait()
	if p := r.Copy(); p.First < events/2 || len(p.Events) < flight.Least/2 {
		t.Errorf("at the end it has %d events from %d", len(p.Events), p.First)
	}
}

func TestTheClockIsReadAtEachStepUnlessStepsAreBrisk(t *testing.T) {
	for _, c := range []struct {
		step    int64 // nanoseconds
		always  bool
		readers int
	}{{5000, false, 320}, {100, false, 14}, {100, true, 320}} {
		now, readings := int64(0), 0
		r := flight.New(flight.Least, 0, 0, func() int64 { readings++; return now }, c.always)
		for range 320 {
			now += c.step
			if e := (flight.Event{What: flight.Step.With(0)}); r.Brisk() {
				r.Put(e)
			} else {
				r.Run(e)
			}
		}
		if readings != c.readers {
			t.Errorf("steps of %d ns, %t: it was read %d times, want %d", c.step, c.always, readings, c.readers)
		}
	}
}

func TestAnotherRingGoesOnWithTheNumbers(t *testing.T) {
	zero := func() int64 { return 0 }
	first := flight.New(flight.Least, 0, 0, zero, true)
	for range 1000 {
		first.Put(flight.Event{What: flight.Wait.With(0)})
	}
	second := flight.New(flight.Least, first.End(), 7, zero, true)
	if second.Next() <= first.Next() {
		t.Errorf("after %d comes %d", first.Next(), second.Next())
	}
	p := second.Copy()
	if len(p.Events) != 1 || p.Events[0].What.Kind() != flight.Clock || p.Events[0].Time() != 7 || p.Begin != p.First {
		t.Errorf("it begins with %+v", p)
	}
}

func TestNamesOfOperationsAndTasksAreBounded(t *testing.T) {
	r := flight.New(flight.Least, 0, 0, func() int64 { return 0 }, true)
	lock := r.Op("Lock.Acquire")
	for n := range 10_000 {
		if op := r.Op(fmt.Sprint("op ", n)); n > 5000 && op != 0 {
			t.Fatalf("operation %d has the number %d", n, op)
		}
		r.Name(uint32(n), "name")
	}
	p := r.Copy()
	if again := r.Op("Lock.Acquire"); again != lock || p.Ops[lock] != "Lock.Acquire" || p.Ops[0] != "" {
		t.Errorf("it was %d, and is %d, which is %q", lock, again, p.Ops[lock])
	}
	if len(p.Ops) > 4096 || len(p.Names) > flight.Least || p.Names[9999] != "name" {
		t.Errorf("%d operations and %d names", len(p.Ops), len(p.Names))
	}
}

func TestAPlaceLeadsBackToTheFunction(t *testing.T) {
	pc := reflect.ValueOf(TestAPlaceLeadsBackToTheFunction).Pointer()
	if got := flight.Address(flight.Place(pc)); got != pc {
		t.Errorf("it leads to %x, want %x", got, pc)
	}
	if flight.Place(0) != 0 || flight.Address(0) != 0 {
		t.Error("nothing has a place")
	}
	// where addresses have 64 bits
	if far := uint64(pc) + 1<<40; uint64(uintptr(far)) == far && flight.Place(uintptr(far)) != 0 {
		t.Error("what is too far away has a place")
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	r := flight.New(flight.Least, 0, 0, func() int64 { return 0 }, false)
	allocs := testing.AllocsPerRun(10_000, func() {
		e := flight.Event{What: flight.Step.With(r.Op("Sleep")), Task: 1}
		if r.Brisk() {
			r.Put(e)
		} else {
			r.Run(e)
		}
		r.Wait()
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
