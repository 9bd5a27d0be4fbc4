package transport

import (
	"time"

	"github.com/aio-go/aio"
)

// slowest is a rate in bytes a second. A peer that takes the remaining bytes more slowly counts as
// stuck: a byte now and then must not hold a connection for ever.
const slowest = 1 << 10

// linger bounds how long a closed transport waits for its peer to take the unsent bytes, and how
// long a mute one waits for its protocol to take the last bytes.
type linger struct {
	patience time.Duration    // for each period without enough progress; 0 means no bound
	timer    *aio.TimerHandle // nil unless the transport is flushing or mute
	heard    int              // bytes received since the transport is mute
}

// watch ends t unless its unsent bytes become fewer in time.
func (l *linger) watch(t mortal, unsent int) {
	if l.patience <= 0 {
		return
	}
	l.timer = t.Loop().CallLater(l.patience, func() {
		if left := t.WriteBufferSize(); progress(unsent, left, l.patience) {
			l.watch(t, left)
			return
		}
		endSoon(t, &ShutdownTimeoutError{After: l.patience})
	})
}

// overhear ends t, which is mute, with err unless it receives enough in time. A protocol that has
// paused reading and waits for the end of the connection would never see it.
func (l *linger) overhear(t mortal, err error) {
	if l.patience <= 0 {
		return
	}
	before := l.heard
	l.timer = t.Loop().CallLater(l.patience, func() {
		if float64(l.heard-before) >= slowest*l.patience.Seconds() {
			l.overhear(t, err)
			return
		}
		endSoon(t, err)
	})
}

func (l *linger) stop() {
	if l.timer != nil {
		l.timer.Cancel()
		l.timer = nil
	}
}

// progress reports whether a peer is fast enough to wait for. In the time d it took the unsent
// bytes down to left.
func progress(unsent, left int, d time.Duration) bool {
	taken := unsent - left
	return taken > 0 && (left == 0 || float64(taken) >= slowest*d.Seconds())
}
