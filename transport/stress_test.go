package transport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aio-go/aio"
)

// paced echoes, and receives no more than it can send.
type paced struct {
	BaseProtocol
	t Transport
}

func (p *paced) ConnectionMade(t Transport) { p.t = t }
func (p *paced) DataReceived(b []byte)      { p.t.Write(b) }
func (p *paced) PauseWriting()              { p.t.PauseReading() }
func (p *paced) ResumeWriting()             { p.t.ResumeReading() }
func (p *paced) EOFReceived() bool          { p.t.WriteEOF(); p.t.Close(); return true }

// pacedBuffered is paced with a buffer of its own.
type pacedBuffered struct {
	paced
	buf [777]byte
}

func (p *pacedBuffered) GetBuffer(int) []byte { return p.buf[:] }
func (p *pacedBuffered) BufferUpdated(n int)  { p.t.Write(p.buf[:n]) }

// sender writes a known sequence of bytes in pieces of random length, now and then does not read
// for a while, and checks that the sequence comes back.
type sender struct {
	BaseProtocol
	t              Transport
	rnd            *rand.Rand
	sent, got, end int
	stopped        bool // by PauseWriting
	wrong          error
	done           *aio.Future[aio.None]
}

func (s *sender) at(i int) byte { return byte(i ^ i>>7 ^ i>>13) }

func (s *sender) ConnectionMade(t Transport) { s.t = t; s.send() }

func (s *sender) send() {
	if s.stopped || s.t.IsClosing() {
		return
	}
	if s.sent == s.end {
		s.t.WriteEOF()
		return
	}
	p := make([]byte, min(s.end-s.sent, 1+s.rnd.IntN(1<<s.rnd.IntN(17))))
	for i := range p {
		p[i] = s.at(s.sent + i)
	}
	s.sent += len(p)
	s.t.Write(p)
	s.t.Loop().CallSoon(s.send)
}

func (s *sender) PauseWriting()  { s.stopped = true }
func (s *sender) ResumeWriting() { s.stopped = false; s.t.Loop().CallSoon(s.send) }

func (s *sender) DataReceived(b []byte) {
	for i, c := range b {
		if c != s.at(s.got+i) {
			s.wrong = fmt.Errorf("byte %d is wrong", s.got+i)
			s.t.Abort()
			return
		}
	}
	s.got += len(b)
	if s.rnd.IntN(8) == 0 {
		s.t.PauseReading()
		s.pause(s.rnd.IntN(20))
	}
}

// pause resumes reading after n passes.
func (s *sender) pause(n int) {
	if n == 0 {
		s.t.ResumeReading()
		return
	}
	s.t.Loop().CallSoon(func() { s.pause(n - 1) })
}

func (s *sender) ConnectionLost(err error) {
	switch {
	case s.wrong != nil:
		err = s.wrong
	case err == nil && s.got != s.end:
		err = fmt.Errorf("%d bytes of %d came back", s.got, s.end)
	}
	if err != nil {
		s.done.SetError(err)
		return
	}
	s.done.SetResult(aio.None{})
}

func TestRandomTrafficComesBackWhole(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			const conns, size = 12, 600_000
			made := 0
			s, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol {
				if made++; made%2 == 0 {
					return &pacedBuffered{}
				}
				return &paced{}
			})
			e.ok(err)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			var senders []*sender
			for i := range conns {
				p := &sender{
					rnd:  rand.New(rand.NewPCG(seed, uint64(i))),
					end:  size,
					done: aio.NewFuture[aio.None](e.loop.Context()),
				}
				_, err := Connect(ctx, "tcp", s.Addrs()[0].String(), p)
				e.ok(err)
				senders = append(senders, p)
			}
			for i, p := range senders {
				if _, err := p.done.Await(ctx); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			}
			s.Close()
			e.ok(s.WaitClosed(ctx))
		})
	})
}
