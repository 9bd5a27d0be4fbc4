package aio_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestRecvTakesWhatIsThereAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		aio.RunningLoop(ctx).CallSoon(func() { j.Add("callback") })
		ch := make(chan int, 2)
		ch <- 1
		ch <- 2
		close(ch)
		for range 3 {
			v, ok, err := aio.Recv(ctx, ch)
			j.Add("%d %v %v", v, ok, err)
		}
		j.Want(t, "1 true <nil>", "2 true <nil>", "0 false <nil>")
		return nil
	})
}

func TestRecvWaitsWhileTheLoopGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		ch := make(chan string)
		go func() { ch <- "value" }()
		ticks := aio.Start(ctx, func(ctx context.Context) error {
			for range 3 {
				j.Add("tick")
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		if _, err := ticks.Await(ctx); err != nil {
			return err
		}
		v, ok, err := aio.Recv(ctx, ch)
		j.Add("%s %v %v", v, ok, err)
		closed := make(chan int)
		aio.RunningLoop(ctx).CallSoon(func() { close(closed) })
		n, ok, err := aio.Recv(ctx, closed)
		j.Add("%d %v %v", n, ok, err)
		j.Want(t, "tick", "tick", "tick", "value true <nil>", "0 false <nil>")
		return nil
	})
}

func TestSendWaitsForAReceiver(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ch := make(chan int, 1)
		if err := aio.Send(ctx, ch, 1); err != nil { // there is room
			return err
		}
		aio.RunningLoop(ctx).CallSoon(func() {
			if v := <-ch; v != 1 {
				t.Errorf("received %d", v)
			}
		})
		if err := aio.Send(ctx, ch, 2); err != nil {
			return err
		}
		if v := <-ch; v != 2 {
			t.Errorf("received %d", v)
		}
		return nil
	})
}

func TestTwoTasksTalkThroughAChannel(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ch := make(chan int)
		aio.Start(ctx, func(ctx context.Context) error {
			defer close(ch)
			for i := range 100 {
				if err := aio.Send(ctx, ch, i); err != nil {
					return err
				}
			}
			return nil
		})
		for i := 0; ; i++ {
			v, ok, err := aio.Recv(ctx, ch)
			if err != nil {
				return err
			}
			if !ok {
				if i != 100 {
					t.Errorf("the channel was closed after %d values", i)
				}
				return nil
			}
			if v != i {
				t.Fatalf("received %d, want %d", v, i)
			}
		}
	})
}

func TestASendOnAClosedChannelPanicsInTheTask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ch := make(chan int)
		close(ch)
		wantPanic(t, func() { aio.Send(ctx, ch, 1) }, "send on closed channel")
		wantPanic(t, func() { aio.Select(ctx, aio.OnSend(ch, 1, nil)) }, "send on closed channel")
		return nil
	})
}

func TestSelectDoesTheCaseThatCanGoOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		words, numbers, out := make(chan string, 1), make(chan int), make(chan bool, 1)
		cases := func() []aio.ChannelCase {
			return []aio.ChannelCase{
				aio.OnRecv(words, func(v string, ok bool) { j.Add("word %q %v", v, ok) }),
				aio.OnRecv(numbers, func(v int, ok bool) { j.Add("number %d %v", v, ok) }),
			}
		}
		words <- "a"
		i, err := aio.Select(ctx, cases()...) // at once
		j.Add("case %d %v", i, err)
		go func() { numbers <- 7 }()
		i, err = aio.Select(ctx, cases()...) // later
		j.Add("case %d %v", i, err)
		close(words)
		i, err = aio.Select(ctx, cases()...)
		j.Add("case %d %v", i, err)
		i, err = aio.Select(ctx, aio.OnRecv(numbers, nil), aio.OnSend(out, true, func() { j.Add("sent") }))
		j.Add("case %d %v %v", i, err, <-out)
		j.Want(t, `word "a" true`, "case 0 <nil>", "number 7 true", "case 1 <nil>", `word "" false`, "case 0 <nil>", "sent", "case 1 <nil> true")
		return nil
	})
}

func TestSelectTakesNilChannelsAndNilFunctionsAndNilValues(t *testing.T) {
	run(t, func(ctx context.Context) error {
		errs := make(chan error, 1)
		errs <- nil
		called := false
		i, err := aio.Select(ctx, aio.OnRecv[int](nil, nil), aio.OnSend[int](nil, 1, nil), aio.OnRecv(errs, func(err error, ok bool) {
			called = err == nil && ok
		}))
		if i != 2 || err != nil || !called {
			t.Errorf("case %d, error %v, called %v", i, err, called)
		}
		signal := make(chan struct{}, 1)
		if i, err = aio.Select(ctx, aio.OnSend(signal, struct{}{}, nil)); i != 0 || err != nil {
			t.Errorf("case %d, error %v", i, err)
		}
		i, err = aio.Select(ctx, aio.OnRecv(signal, nil))
		if i != 0 || err != nil {
			t.Errorf("case %d, error %v", i, err)
		}
		wantPanic(t, func() { aio.Select(ctx) }, "aio: Select: there are no cases")
		return nil
	})
}

func TestAChannelWaitThatIsCancelledDoesNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		before := runtime.NumGoroutine()
		in, out := make(chan int), make(chan int)
		waits := map[string]func(ctx context.Context) error{
			"Recv": func(ctx context.Context) error {
				_, _, err := aio.Recv(ctx, in)
				return err
			},
			"Send": func(ctx context.Context) error { return aio.Send(ctx, out, 1) },
			"Select": func(ctx context.Context) error {
				i, err := aio.Select(ctx, aio.OnRecv(in, nil), aio.OnSend(out, 1, nil))
				if i != -1 {
					t.Errorf("Select: case %d", i)
				}
				return err
			},
		}
		for name, wait := range waits {
			err := aio.Timeout(ctx, time.Second, wait)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantGoroutines(t, before)
		select { // nobody is left who would take or give anything
		case in <- 1:
			t.Error("something received")
		case <-out:
			t.Error("something was sent")
		default:
		}
		return nil
	})
}

func TestAChannelWaitOfACancelledTaskDoesNotBegin(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ch := make(chan int, 1)
		ctx, cancel := aio.WithCancelCause(ctx)
		cancel(errBoom)
		ch <- 1
		if v, ok, err := aio.Recv(ctx, ch); v != 1 || !ok || err != nil { // what is there is taken
			t.Errorf("got %d, %v, %v", v, ok, err)
		}
		before := runtime.NumGoroutine()
		if _, _, err := aio.Recv(ctx, ch); !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		if n := runtime.NumGoroutine(); n > before { // fewer: some of an earlier test were still ending
			t.Errorf("%d goroutines, %d before", n, before)
		}
		return nil
	})
}

func TestAValueThatArrivesTogetherWithTheCancellationIsReturned(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		ch := make(chan int)
		receiver := aio.Start(ctx, func(ctx context.Context) error {
			v, ok, err := aio.Recv(ctx, ch)
			j.Add("%d %v %v", v, ok, err)
			_, _, err = aio.Recv(ctx, ch)
			j.Add("cancelled: %v", errors.Is(err, aio.ErrCancelled))
			return err
		})
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		ch <- 1 // taken by the goroutine; the loop does not know it yet
		receiver.Cancel(nil)
		if _, err := receiver.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("got %v", err)
		}
		j.Want(t, "1 true <nil>", "cancelled: true")
		return nil
	})
}

// Tasks that are cancelled over and over receive from and send to goroutines: every value arrives
// exactly once.
func TestNoValueIsLostWhileReceiversAndSendersAreCancelled(t *testing.T) {
	const n = 2000
	before := runtime.NumGoroutine()
	in, out := make(chan int), make(chan int)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			in <- i
		}
		close(in)
	})
	var came []int
	wg.Go(func() {
		for v := range out {
			came = append(came, v)
		}
	})
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		interrupted := func(wait func(ctx context.Context) error) {
			for {
				task := aio.Start(ctx, wait)
				if err := aio.Yield(ctx); err != nil {
					return
				}
				task.Cancel(nil)
				if _, err := task.Await(ctx); err == nil {
					return
				} else if !errors.Is(err, aio.ErrCancelled) {
					t.Errorf("the wait failed: %v", err)
					return
				}
			}
		}
		for more := true; more; {
			var v int
			interrupted(func(ctx context.Context) (err error) {
				if v%2 == 0 {
					v, more, err = aio.Recv(ctx, in)
					return err
				}
				_, err = aio.Select(ctx, aio.OnRecv(in, func(x int, ok bool) { v, more = x, ok }))
				return err
			})
			if !more {
				break
			}
			interrupted(func(ctx context.Context) error {
				if v%2 == 0 {
					return aio.Send(ctx, out, v)
				}
				_, err := aio.Select(ctx, aio.OnSend(out, v, nil))
				return err
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	close(out)
	wg.Wait()
	if len(came) != n {
		t.Fatalf("%d values came, want %d", len(came), n)
	}
	for i, v := range came {
		if v != i {
			t.Fatalf("value %d is %d", i, v)
		}
	}
	wantGoroutines(t, before)
}

func TestTheGoroutineOfAChannelWaitEndsWithItsLoop(t *testing.T) {
	before := runtime.NumGoroutine()
	ch := make(chan int)
	seen, err := runReports(t, func(ctx context.Context) error {
		aio.Start(ctx, func(ctx context.Context) error {
			_, _, err := aio.Recv(context.WithoutCancel(ctx), ch) // does not heed its cancellation
			return err
		}, aio.Name("stubborn"))
		return aio.Yield(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := seen.Strings(); len(got) != 1 || got[0] != "a task had not ended when the loop was closed, and was ended at an await|stubborn" {
		t.Errorf("reports: %q", got)
	}
	wantGoroutines(t, before)
}

func TestAChannelWaitOutsideOfATaskPanics(t *testing.T) {
	ch := make(chan int, 1)
	run(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).CallSoon(func() {
			wantPanic(t, func() { aio.Recv(ctx, ch) }, "aio: Recv: called from a callback")
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			wantPanic(t, func() { aio.Send(ctx, ch, 1) }, "aio: Send: called from a goroutine that is not the loop's", "ToThread")
		}()
		<-done
		return aio.Yield(ctx)
	}, strict)
	wantPanic(t, func() { aio.Select(t.Context(), aio.OnSend(ch, 1, nil)) }, "aio: Select: no running event loop")
}

func TestASendOnAChannelThatIsClosedMeanwhilePanicsInTheTask(t *testing.T) {
	if leaktest.RaceDetector {
		t.Skip("the race detector takes any close of a channel during a send for a race")
	}
	run(t, func(ctx context.Context) error {
		ch := make(chan int)
		aio.RunningLoop(ctx).CallSoon(func() { close(ch) })
		wantPanic(t, func() { aio.Send(ctx, ch, 1) }, "send on closed channel")
		late := make(chan int)
		aio.RunningLoop(ctx).CallSoon(func() { close(late) })
		wantPanic(t, func() { aio.Select(ctx, aio.OnSend(late, 1, nil)) }, "send on closed channel")
		return nil
	})
}

func TestReceivingFromTheContextsOwnDoneIsItsCancellation(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for range 2 {
			err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
				_, ok, err := aio.Recv(ctx, ctx.Done())
				if ok || !errors.Is(err, aio.ErrCancelled) {
					t.Errorf("%v, %v", ok, err)
				}
				_, _, again := aio.Recv(ctx, ctx.Done()) // it is closed now
				if !errors.Is(again, aio.ErrCancelled) {
					t.Errorf("again: %v", again)
				}
				return err
			})
			if _, late := errors.AsType[*aio.TimeoutError](err); !late {
				t.Errorf("%v", err)
			}
		}
		return nil
	})
}
