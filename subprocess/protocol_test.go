//go:build unix

package subprocess

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
)

// listener is a Protocol that writes down what it hears.
type listener struct {
	t      *Transport
	log    []string
	data   [3]string
	waiter aio.Waiter
	onData func()
}

func (l *listener) heard(format string, args ...any) {
	l.log = append(l.log, fmt.Sprintf(format, args...))
	l.waiter.Unpark()
}

func (l *listener) ConnectionMade(t *Transport) { l.t = t; l.heard("made") }
func (l *listener) PipeDataReceived(fd int, p []byte) {
	l.data[fd] += string(p)
	l.heard("data %d", fd)
	if l.onData != nil {
		l.onData()
	}
}
func (l *listener) PipeConnectionLost(fd int, err error) { l.heard("lost %d %v", fd, err) }
func (l *listener) ProcessExited()                       { l.heard("exited") }
func (l *listener) ConnectionLost(err error)             { l.heard("over %v", err) }

// await waits until something was heard.
func (l *listener) await(ctx context.Context, e *env, what string) {
	e.Helper()
	for !slices.Contains(l.log, what) {
		l.waiter = aio.NewWaiter(ctx, "test", l)
		if err := l.waiter.Park(); err != nil {
			e.Fatalf("waiting for %q: %v; heard %q", what, err, l.log)
		}
	}
}

// connect starts a shell with pipes.
func (e *env) connect(ctx context.Context, line string) *listener {
	e.Helper()
	l := &listener{}
	t, err := Connect(ctx, piped(line), l)
	e.ok(err)
	if t != l.t || l.log[0] != "made" {
		e.Fatalf("heard %q", l.log)
	}
	return l
}

// Conformance: SP-027, SP-029, SP-036, CW-001.
func TestAProtocolHearsTheWholeLifeOfAChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		l := e.connect(ctx, "read line; echo $line; echo other >&2")
		e.ok(aio.Yield(ctx))
		if slices.Contains(l.log, "exited") {
			t.Fatal("the child has ended already")
		}
		l.t.Pipe(0).Write([]byte("hello\n"))
		l.await(ctx, e, "over <nil>")
		if l.data[1] != "hello\n" || l.data[2] != "other\n" {
			t.Errorf("received %q", l.data)
		}
		at := func(what string) int { return slices.Index(l.log, what) }
		once := []string{"made", "lost 0 <nil>", "lost 1 <nil>", "lost 2 <nil>", "exited", "over <nil>"}
		for _, what := range once {
			if at(what) < 0 || slices.Contains(l.log[at(what)+1:], what) {
				t.Errorf("heard %q, want %q once", l.log, what)
			}
		}
		if at("made") != 0 || at("over <nil>") != len(l.log)-1 || at("data 1") > at("lost 1 <nil>") ||
			at("data 2") > at("lost 2 <nil>") {
			t.Errorf("the order is %q", l.log)
		}
		if code, ended := l.t.ReturnCode(); code != 0 || !ended {
			t.Errorf("the code is %d, %v", code, ended)
		}
		if err := l.t.SendSignal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a signal at the end: %v", err)
		}
	})
}

// Conformance: SP-031.
func TestATransportSendsSignals(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		for want, send := range map[int]func(*Transport) error{
			-9:  (*Transport).Kill,
			-15: (*Transport).Terminate,
			-1:  func(t *Transport) error { return t.SendSignal(syscall.SIGHUP) },
		} {
			l := e.connect(ctx, "echo ready; exec sleep 1000")
			l.await(ctx, e, "data 1")
			e.ok(send(l.t))
			l.await(ctx, e, "over <nil>")
			if code, _ := l.t.ReturnCode(); code != want {
				t.Errorf("the code is %d, want %d", code, want)
			}
		}
	})
}

// Conformance: SP-018.
func TestClosingATransportKillsTheChild(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		l := e.connect(ctx, "exec sleep 1000")
		if l.t.IsClosing() {
			t.Error("closing already")
		}
		l.t.Close()
		l.t.Close()
		if !l.t.IsClosing() {
			t.Error("not closing")
		}
		l.await(ctx, e, "over <nil>")
		if code, ended := l.t.ReturnCode(); code != -9 || !ended {
			t.Errorf("the code is %d, %v", code, ended)
		}
	})
}

// watchful is a handle that counts the signals.
type watchful struct {
	handle
	signals int
}

func (w *watchful) signal(sig syscall.Signal) error { w.signals++; return w.handle.signal(sig) }

// Conformance: SP-019.
func TestClosingATransportDoesNotKillWhatHasEnded(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		l := &listener{}
		c := Shell("exit 0")
		c.SameGroup = true // so that a kill would go through the handle
		tr, err := Connect(ctx, c, l)
		e.ok(err)
		w := &watchful{handle: tr.child.handle}
		tr.child.handle = w
		for isZombieOrGone := false; !isZombieOrGone; { // it ends, and the loop does not get to notice it
			isZombieOrGone = isZombie(tr.Pid())
			if h, ok := w.handle.(*processHandle); ok {
				<-h.done
				break
			}
		}
		tr.Close()
		l.await(ctx, e, "over <nil>")
		if code, _ := tr.ReturnCode(); code != 0 || w.signals != 0 {
			t.Errorf("the code is %d, %d signals were sent", code, w.signals)
		}
	})
}

func TestATransportShowsItsState(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		l := &listener{}
		c := piped("exec sleep 1000")
		c.Stderr = nil
		tr, err := Connect(ctx, c, l)
		e.ok(err)
		if got, want := tr.String(), fmt.Sprintf(
			"<subprocess.Transport sh, pid %d, running stdin=open stdout=open>", tr.Pid()); got != want {
			t.Errorf("running: %s, want %s", got, want)
		}
		if tr.Pipe(2) != nil || tr.Pipe(-1) != nil || tr.Pipe(7) != nil || tr.Loop() != e.loop {
			t.Error("a pipe that is none")
		}
		tr.Close()
		l.await(ctx, e, "over <nil>")
		if got, want := tr.String(), fmt.Sprintf("<subprocess.Transport sh, pid %d, killed by SIGKILL "+
			"stdin=closed stdout=closed>", tr.Pid()); got != want {
			t.Errorf("ended: %s, want %s", got, want)
		}
	})
}

func TestAProtocolMayPauseAndCloseAPipe(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		l := &listener{}
		l.onData = func() { l.t.Pipe(1).Close() }
		_, err := Connect(ctx, piped("trap '' PIPE; echo one; while echo more; do :; done 2>/dev/null; "+
			"echo broken >&2"), l)
		e.ok(err)
		l.await(ctx, e, "over <nil>")
		if !strings.HasPrefix(l.data[1], "one\n") || l.data[2] != "broken\n" {
			t.Errorf("received %.20q, %q", l.data[1], l.data[2])
		}
	})
}

func TestWhatHappensBeforeConnectionMadeIsToldAfterIt(t *testing.T) {
	inLoop(t, func(ctx context.Context, e *env) {
		l := &listener{}
		tr := &Transport{proto: l, live: 2, child: &child{nursery: nurseryOf(e.loop)}}
		q := &pipe{owner: tr, fd: 1}
		buf := []byte("early")
		q.DataReceived(buf)
		copy(buf, "XXXXX")
		q.ConnectionLost(nil)
		if len(l.log) != 0 {
			t.Errorf("heard %q", l.log)
		}
		tr.made = true
		for _, fn := range tr.kept {
			fn()
		}
		if want := []string{"data 1", "lost 1 <nil>"}; !slices.Equal(l.log, want) ||
			l.data[1] != "early" {
			t.Errorf("heard %q, %q", l.log, l.data[1])
		}
	})
}
