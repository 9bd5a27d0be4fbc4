package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/hostile"
	"github.com/aio-go/aio/transport"
)

// question is one about a domain.
func question(t testing.TB, domain string) []byte {
	t.Helper()
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(domain +
		"."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	p, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheNameServerStandsWhatIsNoQuestion(t *testing.T) {
	addr, stop, ended := make(chan string, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- aio.Run(context.Background(), func(ctx context.Context) error {
			s, err := startNameserver(ctx)
			if err != nil {
				return err
			}
			defer s.Close()
			addr <- s.addr()
			_, err = aio.ToThread(ctx, func(context.Context) (aio.None, error) {
				<-stop
				return aio.None{}, nil
			})
			return err
		})
	}()
	where := <-addr
	random := rand.New(rand.NewPCG(1, 2))
	for i := range hostile.Connections() {
		c, err := net.Dial("udp4", where)
		if err != nil {
			t.Fatal(err)
		}
		p := question(t, "go.dev")
		switch i % 3 {
		case 0:
			p = p[:random.IntN(len(p))]
		case 1:
			for j := range p {
				p[j] = byte(random.Uint32())
			}
		}
		c.Write(p)
		c.Close()
	}
	c, err := net.Dial("udp4", where)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answered := false
	// datagrams may get lost
	for deadline := time.Now().Add(clitest.Patience); !answered && time.Now().Before(deadline); {
		c.Write(question(t, "map.dev"))
		c.SetReadDeadline(time.Now().Add(time.Second))
		n, err := c.Read(make([]byte, 512))
		answered = err == nil && n > 0
	}
	if !answered {
		t.Error("nobody gets an answer any more")
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// muted is a transport on which answers are only counted.
type muted struct {
	transport.DatagramTransport
	loop *aio.Loop
	sent int
}

func (m *muted) Loop() *aio.Loop               { return m.loop }
func (m *muted) SendTo([]byte, netip.AddrPort) { m.sent++ }

func TestNoMoreAnswersArePendingThanTheBound(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		m := &muted{loop: aio.RunningLoop(ctx)}
		s := &nameserver{make: madeUp, transport: m}
		for range 3 * mostPending {
			s.DatagramReceived(question(t, "go.dev"), netip.AddrPort{})
		}
		if s.pending != mostPending {
			t.Errorf("%d are pending", s.pending)
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if s.pending != 0 || m.sent != mostPending {
			t.Errorf("%d are pending, %d were sent", s.pending, m.sent)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzQuestions sends the name server anything.
func FuzzQuestions(f *testing.F) {
	f.Add(question(f, "go.dev"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		err := aio.Run(context.Background(), func(ctx context.Context) error {
			s := &nameserver{make: madeUp, transport: &muted{loop: aio.RunningLoop(ctx)}}
			s.DatagramReceived(data, netip.AddrPort{})
			return aio.Sleep(ctx, time.Second)
		}, aio.WithClock(aio.NewVirtualClock()))
		if err != nil {
			t.Fatal(err)
		}
	})
}
