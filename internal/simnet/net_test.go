package simnet

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/sys"
)

// world is two hosts, a and b, with a connection.
type world struct {
	*testing.T
	ctx    context.Context
	net    *Net
	ha, hb *Host
	a, b   *Conn
	begin  time.Time
}

// on calls fn with a world whose links have a latency.
func on(t *testing.T, l Link, fn func(w *world) error) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) (err error) {
		w := &world{T: t, ctx: ctx, net: New()}
		w.ha = w.net.AddHost("a", netip.MustParseAddr("10.0.0.1"))
		w.hb = w.net.AddHost("b", netip.MustParseAddr("10.0.0.2"))
		w.net.Default = l
		ln, err := w.hb.Listen(ctx, "tcp", netip.MustParseAddrPort("0.0.0.0:80"), ListenOptions{})
		if err != nil {
			return err
		}
		defer ln.Close()
		w.a, err = w.ha.Dial(ctx, "tcp", netip.MustParseAddrPort("10.0.0.2:80"), netip.AddrPort{}, 0)
		if err != nil {
			return err
		}
		if w.b, err = ln.TryAccept(); err != nil {
			return err
		}
		w.begin = aio.RunningLoop(ctx).Time()
		return fn(w)
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Error(err)
	}
}

func (w *world) sleep(d time.Duration) {
	if err := aio.Sleep(w.ctx, d); err != nil {
		w.Error(err)
	}
}

func (w *world) send(c *Conn, text string) {
	w.Helper()
	if n, err := c.TryWrite([]byte(text)); n != len(text) || err != nil {
		w.Errorf("%d of %d bytes are sent, %v", n, len(text), err)
	}
}

// gets checks what can be read now, and how reading ends.
func (w *world) gets(c *Conn, text string, end error) {
	w.Helper()
	var got []byte
	p := make([]byte, 7)
	for {
		n, err := c.TryRead(p)
		got = append(got, p[:n]...)
		if err == nil {
			continue
		}
		if string(got) != text || !errors.Is(err, end) {
			w.Errorf("it gets %q, %v, want %q, %v", got, err, text, end)
		}
		return
	}
}

func TestBytesArriveInOrderAfterTheLatency(t *testing.T) {
	on(t, Link{Latency: 10 * time.Millisecond, Bandwidth: 1000}, func(w *world) error {
		w.send(w.a, "first ")
		w.send(w.a, "second")
		w.sleep(15 * time.Millisecond)
		w.gets(w.b, "", ErrWouldBlock)
		w.sleep(time.Millisecond) // 6 bytes at 1,000 a second, and 10 ms
		w.gets(w.b, "first ", ErrWouldBlock)
		w.sleep(6 * time.Millisecond)
		w.gets(w.b, "second", ErrWouldBlock)
		return w.a.Close()
	})
}

func TestAWriterIsToldWhenThereIsRoomAgain(t *testing.T) {
	on(t, Link{}, func(w *world) error {
		told := aio.Interest(0)
		if err := w.a.Start(func(i aio.Interest) { told |= i }); err != nil {
			return err
		}
		n, err := w.a.TryWrite(make([]byte, DefaultWindow+1))
		if n != DefaultWindow || err != nil {
			t.Errorf("%d bytes fit, %v", n, err)
		}
		if n, err := w.a.TryWrite([]byte("x")); n != 0 || err != ErrWouldBlock {
			t.Errorf("%d more bytes fit, %v", n, err)
		}
		w.sleep(time.Second)
		if told != 0 {
			t.Errorf("it is told %v too early", told)
		}
		if _, err := w.b.TryRead(make([]byte, 10)); err != nil {
			return err
		}
		w.sleep(time.Millisecond)
		if told != aio.Writable {
			t.Errorf("it is told %v", told)
		}
		w.send(w.a, "0123456789")
		return nil
	})
}

func TestAConnectionEndsAsOneOfTheSystem(t *testing.T) {
	on(t, Link{}, func(w *world) error {
		w.send(w.a, "last words")
		if err := w.a.CloseWrite(); err != nil {
			return err
		}
		w.gets(w.b, "last words", io.EOF)
		w.send(w.b, "answer") // the other half is open
		w.gets(w.a, "answer", ErrWouldBlock)
		if _, err := w.a.TryWrite([]byte("x")); !errors.Is(err, sys.EPIPE) {
			t.Errorf("a write behind CloseWrite: %v", err)
		}
		return errors.Join(w.a.Close(), w.b.Close())
	})
	on(t, Link{}, func(w *world) error {
		w.send(w.a, "nobody reads this")
		if err := w.b.Close(); err != nil {
			return err
		}
		w.gets(w.a, "", sys.ECONNRESET)
		return w.a.Close()
	})
	on(t, Link{}, func(w *world) error {
		if err := w.b.Close(); err != nil {
			return err
		}
		w.gets(w.a, "", io.EOF)
		w.send(w.a, "x") // as far as it knows
		if _, err := w.a.TryWrite([]byte("x")); !errors.Is(err, sys.EPIPE) {
			t.Errorf("the second write to a peer that is gone: %v", err)
		}
		return w.a.Close()
	})
}

func TestACutHoldsBytesBackUntilAllOfItHeals(t *testing.T) {
	on(t, Link{Latency: time.Millisecond}, func(w *world) error {
		w.net.Cut(w.ha, w.hb)
		w.net.Cut(w.ha, w.hb)
		w.send(w.a, "held")
		w.send(w.b, "free")
		w.sleep(time.Minute)
		w.gets(w.b, "", ErrWouldBlock)
		w.gets(w.a, "free", ErrWouldBlock)
		w.net.Heal(w.ha, w.hb)
		w.sleep(time.Second)
		w.gets(w.b, "", ErrWouldBlock)
		w.net.Heal(w.ha, w.hb)
		w.sleep(time.Millisecond)
		w.gets(w.b, "held", ErrWouldBlock)
		w.sleep(time.Hour)
		w.gets(w.b, "", ErrWouldBlock)
		return nil
	})
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	on(t, Link{}, func(w *world) error {
		w.a.Sink()
		w.sleep(150*time.Second - 1)
		w.gets(w.a, "", ErrWouldBlock)
		w.sleep(1)
		w.gets(w.a, "", sys.ETIMEDOUT)
		w.gets(w.b, "", sys.ETIMEDOUT)
		return nil
	})
}

func TestAStallDelaysWhatIsOnItsWay(t *testing.T) {
	on(t, Link{Latency: time.Second}, func(w *world) error {
		w.send(w.a, "one ")
		w.a.Stall(time.Minute)
		w.send(w.a, "two")
		w.sleep(time.Minute - 1)
		w.gets(w.b, "", ErrWouldBlock)
		w.sleep(time.Second + 1)
		w.gets(w.b, "one two", ErrWouldBlock)
		return nil
	})
}

func TestAHostThatIsBootedAgainAnswersWithAReset(t *testing.T) {
	on(t, Link{}, func(w *world) error {
		w.hb.Crash()
		if !w.hb.Down() || len(w.hb.Conns()) != 0 {
			t.Errorf("down is %v, with %d connections", w.hb.Down(), len(w.hb.Conns()))
		}
		if _, err := w.b.TryRead(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a read on the host that has crashed: %v", err)
		}
		w.send(w.a, "hello?")
		w.hb.Restart()
		w.sleep(time.Second)
		w.gets(w.a, "", sys.ECONNRESET)
		_, err := w.ha.Dial(w.ctx, "tcp", netip.MustParseAddrPort("10.0.0.2:80"), netip.AddrPort{}, 0)
		if !errors.Is(err, sys.ECONNREFUSED) {
			t.Errorf("its listener is there: %v", err)
		}
		return nil
	})
}

func TestAPortIsOneListeners(t *testing.T) {
	on(t, Link{}, func(w *world) error {
		at := netip.MustParseAddrPort("10.0.0.2:80")
		if _, err := w.hb.Listen(w.ctx, "tcp", at, ListenOptions{}); !errors.Is(err, sys.EADDRINUSE) {
			t.Errorf("a second listener: %v", err)
		}
		if _, err := w.ha.Listen(w.ctx, "tcp", at, ListenOptions{}); !errors.Is(err, sys.EADDRNOTAVAIL) {
			t.Errorf("an address of another host: %v", err)
		}
		seen := map[string]bool{}
		for range 100 {
			l, err := w.hb.Listen(w.ctx, "tcp", netip.MustParseAddrPort("0.0.0.0:0"), ListenOptions{})
			if err != nil {
				return err
			}
			defer l.Close()
			if seen[l.Addr().String()] {
				t.Errorf("%v is given twice", l.Addr())
			}
			seen[l.Addr().String()] = true
		}
		return nil
	})
}

// storm is a Weather that a test sets.
type storm struct {
	fate   func(p []byte) Fate
	copies []time.Duration
}

func (s *storm) Send(_ *Conn, p []byte) Fate                   { return s.fate(p) }
func (s *storm) Datagram(_, _ *Host, _ []byte) []time.Duration { return s.copies }
func (s *storm) Lookup(_ *Host, name string) error {
	if strings.HasPrefix(name, "lost") {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func TestTheWeatherCutsAConnectionAtAnyByte(t *testing.T) {
	for taken := range 6 {
		on(t, Link{}, func(w *world) error {
			w.net.Weather = &storm{fate: func([]byte) Fate { return Fate{Reset: true, Taken: taken} }}
			w.send(w.a, "hello")
			w.gets(w.b, "hello"[:taken], sys.ECONNRESET)
			w.gets(w.a, "", sys.ECONNRESET)
			return nil
		})
	}
}

func TestTheWeatherMakesCopiesOfDatagrams(t *testing.T) {
	on(t, Link{}, func(w *world) error {
		s := &storm{copies: []time.Duration{0, time.Second}}
		w.net.Weather = s
		at := netip.MustParseAddrPort("10.0.0.2:53")
		in, err := w.hb.Datagram(w.ctx, "udp", at, netip.AddrPort{}, PacketOptions{})
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := w.ha.Datagram(w.ctx, "udp", netip.AddrPort{}, at, PacketOptions{})
		if err != nil {
			return err
		}
		defer out.Close()
		send := func(text string) {
			if err := out.TryWriteTo([]byte(text), netip.AddrPort{}); err != nil {
				t.Error(err)
			}
		}
		var got []string
		read := func() {
			p := make([]byte, 10)
			for {
				n, _, err := in.TryReadFrom(p)
				if err != nil {
					return
				}
				got = append(got, string(p[:n]))
			}
		}
		send("twice")
		s.copies = nil
		send("lost")
		s.copies = []time.Duration{2 * time.Second}
		send("late")
		s.copies = []time.Duration{0}
		send("soon")
		w.net.Cut(w.ha, w.hb)
		send("cut")
		w.net.Heal(w.ha, w.hb)
		for range 4 {
			read()
			w.sleep(time.Second)
		}
		if want := []string{"twice", "soon", "twice", "late"}; !slices.Equal(got, want) {
			t.Errorf("it gets %q, want %q", got, want)
		}
		return nil
	})
}

func TestNamesAreThoseOfTheHosts(t *testing.T) {
	on(t, Link{}, func(w *world) error {
		w.net.Weather = &storm{}
		ips, err := w.ha.Lookup(w.ctx, "b")
		if err != nil || len(ips) != 1 || ips[0].String() != "10.0.0.2" {
			t.Errorf("b is %v, %v", ips, err)
		}
		names, err := w.ha.LookupAddr(ips[0])
		if err != nil || !slices.Equal(names, []string{"b"}) {
			t.Errorf("%v is %q, %v", ips, names, err)
		}
		if _, err := w.ha.Lookup(w.ctx, "c"); err == nil {
			t.Error("c has an address")
		}
		if _, err := w.ha.Lookup(w.ctx, "lost"); err != io.ErrUnexpectedEOF {
			t.Errorf("the weather is not asked: %v", err)
		}
		return nil
	})
}
