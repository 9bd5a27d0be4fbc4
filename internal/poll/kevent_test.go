//go:build !plan9

package poll

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
)

func TestAnInterestIsWatchedByItsFilters(t *testing.T) {
	for i, want := range map[Interest][]filter{
		0:                            nil,
		Readable:                     {readFilter},
		Writable:                     {writeFilter},
		Readable | Writable | Edge:   {readFilter, writeFilter},
		HangUp:                       {readFilter},
		HangUp | Writable:            {readFilter, writeFilter},
		HangUp | Readable | Edge:     {readFilter},
		Readable | Writable | HangUp: {readFilter, writeFilter},
	} {
		if got := filters(i); !slices.Equal(got, want) {
			t.Errorf("%b: %v, want %v", i, got, want)
		}
	}
}

func TestAReportOfAFilterSaysWhatEpollWouldSay(t *testing.T) {
	const all = Readable | Writable | HangUp
	for _, c := range []struct {
		asked  Interest
		socket bool
		report report
		want   Interest
	}{
		{Readable, true, report{filter: readFilter}, Readable},
		{all, true, report{filter: readFilter}, Readable},
		{HangUp, true, report{filter: readFilter}, 0},
		{HangUp | Writable, true, report{filter: readFilter}, 0},
		{Readable, true, report{filter: readFilter, eof: true}, Readable},
		{Readable | Writable, true, report{filter: readFilter, eof: true}, Readable},
		{HangUp, true, report{filter: readFilter, eof: true}, Readable | HangUp},
		{all, true, report{filter: readFilter, eof: true}, Readable | HangUp},
		{Readable, true, report{filter: readFilter, eof: true, failed: true}, all},
		{Readable, false, report{filter: readFilter, eof: true}, all},
		{Writable, true, report{filter: writeFilter}, Writable},
		{all, true, report{filter: writeFilter, eof: true}, Writable}, // our own half-close
		{Writable, true, report{filter: writeFilter, eof: true, failed: true}, all},
		{Writable, false, report{filter: writeFilter, eof: true}, all},
	} {
		w := &watched{interest: c.asked, socket: c.socket}
		if got := w.ready(c.report); got != c.want {
			t.Errorf("%b, a socket: %v, %+v: %b, want %b", c.asked, c.socket, c.report, got, c.want)
		}
	}
}

// key is a filter of a descriptor.
type key struct {
	fd uintptr
	f  filter
}

// fakeKernel answers as a kqueue does.
type fakeKernel struct {
	has     map[key]action
	refuse  map[key]error
	pending []report
}

func newFakeKernel() (*fakeKernel, *filterSet) {
	k := &fakeKernel{has: map[key]action{}, refuse: map[key]error{}}
	s := newFilterSet(k)
	return k, &s
}

func (k *fakeKernel) change(fd uintptr, f filter, a action) error {
	at := key{fd, f}
	_, there := k.has[at]
	switch {
	case a == touch && there:
	case a == drop && there:
		delete(k.has, at)
	case a == touch, a == drop:
		return syscall.ENOENT
	case k.refuse[at] != nil:
		return k.refuse[at]
	default:
		k.has[at] = a
	}
	return nil
}

func (k *fakeKernel) reports(room []report) (n int, err error) {
	n = copy(room, k.pending)
	k.pending = k.pending[n:]
	return n, nil
}

func (k *fakeKernel) isSocket(fd uintptr) bool { return fd < 100 }

func (k *fakeKernel) want(t *testing.T, want map[key]action) {
	t.Helper()
	if fmt.Sprint(k.has) != fmt.Sprint(want) {
		t.Errorf("the kernel has %v, want %v", k.has, want)
	}
}

func fetched(t *testing.T, s *filterSet) []Event {
	t.Helper()
	events := make([]Event, 4)
	n, err := s.fetch(events)
	if err != nil {
		t.Fatal(err)
	}
	return events[:n]
}

func wantEvents(t *testing.T, s *filterSet, want ...Event) {
	t.Helper()
	if got := fetched(t, s); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestASecondAddFailsAndChangesNothing(t *testing.T) {
	k, s := newFakeKernel()
	if err := s.Add(5, 1, Readable|Writable); err != nil {
		t.Fatal(err)
	}
	for _, i := range []Interest{Readable, Writable | Edge, HangUp, Readable | Writable} {
		if err := s.Add(5, 2, i); !errors.Is(err, syscall.EEXIST) {
			t.Errorf("%b: got %v, want EEXIST", i, err)
		}
	}
	k.want(t, map[key]action{{5, readFilter}: addLevel, {5, writeFilter}: addLevel})
	k.pending = []report{{fd: 5, filter: writeFilter}}
	wantEvents(t, s, Event{1, Writable})
}

func TestANumberThatWasClosedWithoutRemoveCanBeAdded(t *testing.T) {
	k, s := newFakeKernel()
	s.Add(5, 1, Readable|Writable)
	clear(k.has) // as close does
	if err := s.Add(5, 2, Readable|Edge); err != nil {
		t.Fatal(err)
	}
	k.want(t, map[key]action{{5, readFilter}: addEdge})
	k.pending = []report{{fd: 5}}
	wantEvents(t, s, Event{2, Readable})
}

func TestLessInterestLeavesNoFilterBehind(t *testing.T) {
	k, s := newFakeKernel()
	s.Add(5, 1, Readable|Writable|HangUp)
	if err := s.Modify(5, 2, Writable); err != nil {
		t.Fatal(err)
	}
	k.want(t, map[key]action{{5, writeFilter}: addLevel})
	if err := s.Modify(5, 3, Writable|HangUp); err != nil {
		t.Fatal(err)
	}
	k.want(t, map[key]action{{5, readFilter}: addEdge, {5, writeFilter}: addLevel})
	if err := s.Remove(5); err != nil {
		t.Fatal(err)
	}
	k.want(t, nil)
	for name, err := range map[string]error{
		"Modify": s.Modify(5, 4, Readable),
		"Remove": s.Remove(5),
	} {
		if !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: got %v, want ENOENT", name, err)
		}
	}
}

func TestAChangeThatFailsLeavesTheDescriptorAsItWas(t *testing.T) {
	k, s := newFakeKernel()
	k.refuse[key{5, writeFilter}] = syscall.EINVAL
	if err := s.Add(5, 1, Readable|Writable); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Add: got %v, want EINVAL", err)
	}
	k.want(t, nil)
	s.Add(5, 1, Readable)
	if err := s.Modify(5, 2, Readable|Writable); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Modify: got %v, want EINVAL", err)
	}
	k.want(t, map[key]action{{5, readFilter}: addLevel})
	k.pending = []report{{fd: 5}}
	wantEvents(t, s, Event{1, Readable})
}

func TestAPipeWhoseReaderHasGoneIsReportedNotRefused(t *testing.T) {
	const all = Readable | Writable | HangUp
	k, s := newFakeKernel()
	k.refuse[key{100, writeFilter}] = syscall.EPIPE
	k.refuse[key{101, writeFilter}] = syscall.EPIPE
	for fd, i := range []Interest{Writable, Readable | Writable | HangUp | Edge} {
		if err := s.Add(uintptr(100+fd), uint64(fd), i); err != nil {
			t.Fatal(err)
		}
	}
	wantEvents(t, s, Event{0, all}, Event{1, all})
	wantEvents(t, s, Event{0, all}) // a level lasts, an edge does not
	if err := s.Modify(101, 2, Writable|Edge); err != nil {
		t.Fatal(err)
	}
	wantEvents(t, s, Event{0, all}, Event{2, all})
	for _, fd := range []uintptr{100, 101} {
		if err := s.Remove(fd); err != nil {
			t.Error(err)
		}
	}
	wantEvents(t, s)
	k.want(t, nil)
}

func TestAReportThatSaysNothingIsNoEvent(t *testing.T) {
	k, s := newFakeKernel()
	s.Add(5, 1, HangUp)
	s.Add(6, 2, Readable)
	k.pending = []report{{fd: 5}, {fd: 7}, {fd: 6}, {fd: 5, eof: true}}
	wantEvents(t, s, Event{2, Readable}, Event{1, Readable | HangUp})
}
