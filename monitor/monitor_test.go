package monitor_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/monitor"
)

// served runs main on a loop, with a server and a client that asks from another goroutine.
func served(t *testing.T, opts []monitor.Option, ask func(ctx context.Context, c *monitor.Client), main func(ctx context.Context) error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	s, err := monitor.Serve(append(opts, monitor.Path(path))...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begun := make(chan struct{}) // the program has begun, and will not go on before it waits
	err = aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			asked := make(chan struct{})
			go func() { // not ToThread: it must go on while the loop is blocked
				defer close(asked)
				c, err := monitor.Dial(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				<-begun
				ask(t.Context(), c)
			}()
			g.Go(func(ctx context.Context) error {
				close(begun)
				return main(ctx)
			}, aio.Name("program"))
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			_, _, err := aio.Recv(ctx, asked)
			g.Cancel(nil)
			return err
		})
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// ours returns the loop of a picture that has a task with this name.
func ours(t *testing.T, p monitor.Picture, name string) (monitor.Loop, aio.TaskInfo) {
	t.Helper()
	for _, l := range p.Loops {
		if l.Snapshot == nil {
			continue
		}
		for _, i := range l.Snapshot.Tasks {
			if i.Name == name {
				return l, i
			}
		}
	}
	t.Fatalf("no loop has a task %s: %+v", name, p)
	return monitor.Loop{}, aio.TaskInfo{}
}

func stuckBehindALock(ctx context.Context) error {
	var lock aiosync.Lock
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			return lock.With(ctx, looptest.Forever)
		}, aio.Name("holder"))
		g.Go(lock.Acquire, aio.Name("stuck"))
		return nil
	})
}

func TestAClientGetsAPictureOfTheLoops(t *testing.T) {
	served(t, nil, func(ctx context.Context, c *monitor.Client) {
		p, err := c.Picture(ctx, monitor.Question{Stacks: true})
		if err != nil {
			t.Fatal(err)
		}
		l, stuck := ours(t, p, "stuck")
		if p.Version != monitor.Version || p.PID != os.Getpid() || p.Go != runtime.Version() || p.CanCancel || l.Busy != nil || l.Number == 0 {
			t.Errorf("got %+v", p)
		}
		if chain := l.Snapshot.Why(stuck.ID); chain.Culprit().Name != "holder" || !strings.Contains(chain.Culprit().At, "looptest.Forever looptest.go:") && !strings.Contains(chain.Culprit().At, "monitor_test.go:") {
			t.Errorf("got %s", chain)
		}
		brief, err := c.Picture(ctx, monitor.Question{Brief: true, Loop: l.Number})
		if err != nil || len(brief.Loops) != 1 || brief.Loops[0].Live < 4 || len(brief.Loops[0].Snapshot.Tasks) != 0 {
			t.Errorf("%v, %+v", err, brief)
		}
		if none, err := c.Picture(ctx, monitor.Question{Loop: 1 << 60}); err != nil || len(none.Loops) != 0 {
			t.Errorf("%v, %+v", err, none)
		}
	}, stuckBehindALock)
}

func TestALoopThatStandsStillIsDescribedFromBeside(t *testing.T) {
	for name, block := range map[string]func(free <-chan struct{}){
		"sleep": func(free <-chan struct{}) {
			for !isClosed(free) {
				time.Sleep(10 * time.Millisecond)
			}
		},
		"work": func(free <-chan struct{}) {
			for !isClosed(free) {
			}
		},
		"channel": func(free <-chan struct{}) { <-free },
	} {
		t.Run(name, func(t *testing.T) {
			free, blocks := make(chan struct{}), make(chan struct{})
			served(t, nil, func(ctx context.Context, c *monitor.Client) {
				defer close(free)
				<-blocks
				begin := time.Now()
				p, err := c.Picture(ctx, monitor.Question{})
				t.Logf("answered after %v", time.Since(begin))
				if err != nil {
					t.Fatal(err)
				}
				var busy *monitor.Busy
				for _, l := range p.Loops {
					if l.Busy != nil {
						busy = l.Busy
					}
				}
				if busy == nil {
					t.Fatalf("no loop is busy: %+v", p)
				}
				if busy.Name != "program" || !strings.Contains(busy.At, "monitor_test.go:") || busy.Task == 0 || busy.Since <= 0 {
					t.Errorf("got %+v", busy)
				}
			}, func(context.Context) error {
				close(blocks)
				block(free)
				return nil
			})
		})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestACallbackThatBlocksIsDescribedAndTheLastPictureIsShown(t *testing.T) {
	free, blocks := make(chan struct{}), make(chan struct{})
	served(t, nil, func(ctx context.Context, c *monitor.Client) {
		defer close(free)
		before, err := c.Picture(ctx, monitor.Question{})
		if err != nil {
			t.Fatal(err)
		}
		l, _ := ours(t, before, "program")
		loops <- struct{}{}
		<-blocks
		p, err := c.Picture(ctx, monitor.Question{Loop: l.Number})
		if err != nil || len(p.Loops) != 1 || p.Loops[0].Busy == nil {
			t.Fatalf("%v, %+v", err, p)
		}
		b := p.Loops[0].Busy
		if b.Task != 0 || !strings.Contains(b.At, "monitor_test.go:") || p.Loops[0].Age <= 0 {
			t.Errorf("got %+v, age %v", b, p.Loops[0].Age)
		}
		ours(t, p, "program") // in the picture from before
	}, func(ctx context.Context) error {
		if _, _, err := aio.Recv(ctx, loops); err != nil {
			return err
		}
		aio.RunningLoop(ctx).CallSoon(func() { close(blocks); <-free })
		return looptest.Forever(ctx)
	})
}

var loops = make(chan struct{}, 1)

func TestATaskIsCancelledOnlyIfTheProgramAllowsIt(t *testing.T) {
	served(t, nil, func(ctx context.Context, c *monitor.Client) {
		if err := c.Cancel(ctx, 1, 1, ""); err == nil || !strings.Contains(err.Error(), "allows no control; start it with AIO_MONITOR=cancel") {
			t.Errorf("got %v", err)
		}
	}, looptest.Forever)

	var cause error
	served(t, []monitor.Option{monitor.AllowCancel()}, func(ctx context.Context, c *monitor.Client) {
		p, err := c.Picture(ctx, monitor.Question{})
		if err != nil || !p.CanCancel {
			t.Fatal(err, p)
		}
		l, victim := ours(t, p, "victim")
		if err := c.Cancel(ctx, l.Number, victim.ID, "it hangs"); err != nil {
			t.Error(err)
		}
		for _, wrong := range []struct {
			loop uint64
			task uint32
			want string
		}{{l.Number, 999999, "there is no task 999999"}, {1 << 60, 1, "no loop"}} {
			if err := c.Cancel(ctx, wrong.loop, wrong.task, ""); err == nil || !strings.Contains(err.Error(), wrong.want) {
				t.Errorf("got %v", err)
			}
		}
	}, func(ctx context.Context) error {
		victim := aio.Start(ctx, func(ctx context.Context) error {
			err := looptest.Forever(ctx)
			cause = context.Cause(ctx)
			return err
		}, aio.Name("victim"))
		_, err := victim.Await(ctx)
		return err
	})
	var op *monitor.OperatorError
	var c *aio.CancelledError
	if !errors.As(cause, &c) || !errors.As(c.Cause, &op) || op.Reason != "it hangs" || !strings.Contains(op.Error(), "cancelled by an operator (") {
		t.Errorf("got %v", cause)
	}
}

// A loop that does not answer is not cancelled behind the operator's back later.
func TestACancellationThatTheLoopDoesNotHearIsVoid(t *testing.T) {
	free, blocks := make(chan struct{}), make(chan struct{})
	heard := false
	served(t, []monitor.Option{monitor.AllowCancel()}, func(ctx context.Context, c *monitor.Client) {
		p, err := c.Picture(ctx, monitor.Question{})
		if err != nil {
			t.Fatal(err)
		}
		l, task := ours(t, p, "program")
		loops <- struct{}{}
		<-blocks
		if err := c.Cancel(ctx, l.Number, task.ID, ""); err == nil || !strings.Contains(err.Error(), "does not answer; nothing was cancelled") {
			t.Errorf("got %v", err)
		}
		close(free)
		if p, err = c.Picture(ctx, monitor.Question{}); err != nil {
			t.Error(err)
		} else if _, i := ours(t, p, "program"); i.Cancel != nil {
			heard = true
		}
	}, func(ctx context.Context) error {
		if _, _, err := aio.Recv(ctx, loops); err != nil {
			return err
		}
		close(blocks)
		<-free
		return looptest.Forever(ctx)
	})
	if heard {
		t.Error("the task was cancelled later")
	}
}

func TestRequestsThatAreWrongEndTheConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := monitor.Serve(monitor.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct{ send, want string }{
		{"GET / HTTP/1.1\r\n", "malformed request"},
		{"{}\n", "version 0 is not known; this program speaks version 1"},
		{`{"v":1,"op":"picture"}{}` + "\n", "one JSON object a line"},
		{`{"v":1,"loop":-1}` + "\n", "malformed request"},
		{strings.Repeat("x", 5000) + "\n", "a request has at most 4096 bytes"},
		{strings.Repeat("[", 4000) + "\n", "malformed request"},
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(c.send))
		in := bufio.NewReader(conn)
		line, err := in.ReadString('\n')
		if err != nil || !strings.Contains(line, c.want) || !strings.HasPrefix(line, `{"v":1,"error":"`) {
			t.Errorf("%.30q: %v, %s", c.send, err, line)
		}
		if line, err := in.ReadString('\n'); err == nil {
			t.Errorf("%.30q: it goes on with %q", c.send, line)
		}
		conn.Close()
	}
}

func TestAnUnknownOperationIsAnAnswerAndTheConnectionGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := monitor.Serve(monitor.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 2 {
		conn.Write([]byte(`{"v":1,"op":"dance","new_field":true}` + "\n"))
		if line, err := in.ReadString('\n'); err != nil || line != `{"v":1,"error":"unknown op \"dance\""}`+"\n" {
			t.Errorf("%v, %s", err, line)
		}
	}
}

func TestClientsBeyondTheLimitAreTurnedAwayAndOthersServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := monitor.Serve(monitor.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var first []*monitor.Client
	for range 16 {
		c, err := monitor.Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Picture(t.Context(), monitor.Question{}); err != nil {
			t.Fatal(err)
		}
		first = append(first, c)
	}
	for range 1000 {
		c, err := monitor.Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Picture(t.Context(), monitor.Question{}); err == nil {
			t.Error("one client too many was served")
		}
		c.Close()
	}
	for _, c := range first {
		if _, err := c.Picture(t.Context(), monitor.Question{}); err != nil {
			t.Error(err)
		}
	}
}

func TestTheHostOfTCPIsTheLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "example.org:80", ":0", "nonsense", "192.0.2.1:0"} {
		if s, err := monitor.Serve(monitor.TCP(address)); err == nil {
			t.Errorf("%s was taken", address)
			s.Close()
		}
	}
	s, err := monitor.Serve(monitor.TCP("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := monitor.Dial(t.Context(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p, err := c.Picture(t.Context(), monitor.Question{}); err != nil || p.PID != os.Getpid() {
		t.Error(err, p)
	}
}
