package aio_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// Conformance: HD-001.
func TestAHandleMayBeCancelledTwice(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		h := l.CallSoon(func() { t.Error("it was called") })
		if h.Cancelled() {
			t.Error("it is cancelled from the start")
		}
		for range 2 {
			h.Cancel()
			if !h.Cancelled() {
				t.Error("it is not cancelled")
			}
		}
	})
}

// Conformance: HD-002.
func TestATimerHandleKnowsItsTime(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		at := l.Time().Add(time.Minute)
		for _, h := range []*aio.TimerHandle{l.CallAt(at, func() {}), l.CallLater(time.Minute, func() {})} {
			if !h.When().Equal(at) {
				t.Errorf("it is due at %v, want %v", h.When(), at)
			}
			h.Cancel()
			if !h.When().Equal(at) || !h.Cancelled() {
				t.Errorf("after Cancel it is due at %v", h.When())
			}
		}
	})
}

// Conformance: HD-003.
func TestACancelledTimerLetsGoOfItsCallback(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		collected := make(chan struct{})
		h := func() *aio.TimerHandle {
			payload := new([1 << 16]byte)
			runtime.AddCleanup(payload, func(c chan struct{}) { close(c) }, collected)
			return l.CallLater(time.Hour, func() { payload[0]++ })
		}()
		h.Cancel()
		for {
			runtime.GC()
			select {
			case <-collected:
				return
			default:
			}
		}
	})
}

func named123() {}

// Conformance: HD-005, DB-006.
func TestAHandleShowsItsFunctionItsStateAndInDebugModeItsCreation(t *testing.T) {
	for _, debug := range []bool{false, true} {
		onLoop(t, func(l *aio.Loop) {
			for name, h := range map[string]interface {
				String() string
				Cancel()
			}{
				"CallSoon":  l.CallSoon(named123),
				"CallLater": l.CallLater(time.Hour, named123),
				"CallAt":    l.CallAt(l.Time(), named123),
			} {
				s := h.String()
				if !strings.HasPrefix(s, "<Handle ") || !strings.Contains(s, "handle_test.go:") {
					t.Errorf("%s shows %s", name, s)
				}
				if got := strings.Contains(s, "scheduled at handle_test.go:"); got != debug {
					t.Errorf("%s shows %s with debug mode %v", name, s, debug)
				}
				h.Cancel()
				if s := h.String(); s != "<Handle cancelled>" {
					t.Errorf("%s shows %s after Cancel", name, s)
				}
			}
			posted, _ := l.CallSoonThreadsafe(named123)
			if s := posted.String(); debug && !strings.Contains(s, "scheduled at handle_test.go:") {
				t.Errorf("CallSoonThreadsafe shows %s", s)
			}
		}, aio.WithDebug(debug))
	}
}
