package transport

import (
	"io"
	"slices"
	"sync"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/perloop"
)

const (
	readBufferSize = 64 << 10  // of the buffer that a loop's transports share for reading
	spareBuffers   = 16        // empty write buffers a loop keeps
	spareSize      = 128 << 10 // the largest write buffer worth keeping, bytes
)

// hub holds what the connections of one loop share. It knows everything that is open, so that
// closing the loop closes that too. Only the loop's goroutine uses it.
type hub struct {
	loop      *aio.Loop
	buf       []byte // lent to the one transport that is reading
	turns     *turnstile
	spare     [][]byte // empty write buffers
	first     *selectorTransport
	last      *selectorTransport
	endpoints []*datagramTransport   // open ones, in the order they were made
	sites     map[any]string         // in debug mode, where transports and endpoints were opened
	others    map[io.Closer]struct{} // open listeners, and connections with goroutines
	helper    sync.WaitGroup         // the goroutines of Portable
}

var hubs perloop.Table[*hub]

func hubOf(l *aio.Loop) *hub {
	return hubs.Get(l, func() *hub {
		h := &hub{
			loop:   l,
			buf:    make([]byte, readBufferSize),
			turns:  newTurnstile(l),
			others: make(map[io.Closer]struct{}),
		}
		l.OnClose(h.close)
		return h
	})
}

// close ends everything that is still open, connections in the order they were made. Then it waits
// for their goroutines, which have nothing left to block on.
func (h *hub) close() {
	for h.first != nil {
		report := h.first.leftOpen()
		h.first.loopClosed()
		report()
	}
	for len(h.endpoints) > 0 {
		report := h.endpoints[0].leftOpen()
		endNow(h.endpoints[0], aio.ErrLoopClosed)
		report()
	}
	for c := range h.others { // the order of closing cannot be observed
		h.closeLeft(c)
	}
	h.helper.Wait()
}

func (h *hub) own(c io.Closer)    { h.others[c] = struct{}{} }
func (h *hub) disown(c io.Closer) { delete(h.others, c) }

func (h *hub) link(t *selectorTransport) {
	t.prev = h.last
	if h.last == nil {
		h.first = t
	} else {
		h.last.next = t
	}
	h.last = t
}

func (h *hub) unlink(t *selectorTransport) {
	if t.prev == nil {
		h.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		h.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
}

// takeBuffer returns an empty write buffer with room for n bytes.
func (h *hub) takeBuffer(n int) []byte {
	if k := len(h.spare); k > 0 && n <= spareSize {
		b := h.spare[k-1]
		h.spare[k-1] = nil
		h.spare = h.spare[:k-1]
		return slices.Grow(b, n)
	}
	return make([]byte, 0, max(n, 4096))
}

// giveBuffer takes back a write buffer that is no longer in use.
func (h *hub) giveBuffer(b []byte) {
	if cap(b) <= spareSize && len(h.spare) < spareBuffers {
		h.spare = append(h.spare, b[:0])
	}
}
