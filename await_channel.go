package aio

import (
	"context"
	"fmt"
	"reflect"
)

// Recv receives from a Go channel while the loop runs other tasks. ok is false if the channel is
// closed. If a value is available it returns at once, even if the context is cancelled. Otherwise a
// goroutine waits on behalf of the task. If ch is ctx.Done(), Recv waits for the cancellation and
// returns it. Recv has no asyncio counterpart.
//
// Cancellation: no value is lost. If a value is received at the same moment, Recv returns it
// without an error, and the next await fails.
func Recv[T any](ctx context.Context, ch <-chan T) (v T, ok bool, err error) {
	w := running(ctx, "Recv")
	select {
	case v, ok = <-ch:
	default:
		_, err = w.channel(ctx, "Recv", func(stop <-chan struct{}) int {
			select {
			case v, ok = <-ch:
				return 0
			case <-stop:
				return -1
			}
		})
	}
	if done, is := any(ch).(<-chan struct{}); is && !ok && err == nil && done == ctx.Done() {
		return v, false, Yield(ctx) // fails at once
	}
	return v, ok, err
}

// Send sends to a Go channel while the loop runs other tasks. If the channel is ready it returns at
// once, even if the context is cancelled. Like a send statement, it panics if the channel is
// closed.
//
// Cancellation: if Send returns nil the value was sent, otherwise it was not.
func Send[T any](ctx context.Context, ch chan<- T, v T) error {
	w := running(ctx, "Send")
	select {
	case ch <- v:
		return nil
	default:
	}
	_, err := w.channel(ctx, "Send", func(stop <-chan struct{}) int {
		select {
		case ch <- v:
			return 0
		case <-stop:
			return -1
		}
	})
	return err
}

// ChannelCase is one case of [Select]; make it with [OnRecv] or [OnSend].
type ChannelCase struct {
	c    reflect.SelectCase
	done func(v reflect.Value, ok bool)
}

// OnRecv is the case of receiving from ch. Select then calls fn, in the task, with the received
// value; ok is false if ch is closed. A nil fn is ignored.
func OnRecv[T any](ch <-chan T, fn func(v T, ok bool)) ChannelCase {
	return ChannelCase{
		c: reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)},
		done: func(v reflect.Value, ok bool) {
			if fn == nil {
				return
			}
			var x T
			if ok {
				x, _ = v.Interface().(T)
			}
			fn(x, ok)
		},
	}
}

// OnSend is the case of sending v to ch. Select then calls fn, in the task, after the send. A nil
// fn is ignored.
func OnSend[T any](ch chan<- T, v T, fn func()) ChannelCase {
	return ChannelCase{
		c: reflect.SelectCase{
			Dir:  reflect.SelectSend,
			Chan: reflect.ValueOf(ch),
			Send: reflect.ValueOf(&v).Elem(),
		},
		done: func(reflect.Value, bool) {
			if fn != nil {
				fn()
			}
		},
	}
}

// Select waits until one of the cases can proceed, performs it and returns its index. If several
// can proceed, it picks one at random, like a select statement. If one can proceed now it does not
// wait, even if the context is cancelled. It panics without cases.
//
// Cancellation: if Select returns nil one case was performed. Otherwise no case was, and the index
// is -1.
func Select(ctx context.Context, cases ...ChannelCase) (int, error) {
	w := running(ctx, "Select")
	if len(cases) == 0 {
		panic(misuse("Select", "there are no cases; pass at least one"))
	}
	list := make([]reflect.SelectCase, 0, len(cases)+1)
	for i, c := range cases {
		if c.done == nil {
			problem := fmt.Sprintf("case %d is the zero value; make it with OnRecv or OnSend", i+1)
			panic(misuse("Select", problem))
		}
		list = append(list, c.c)
	}
	i, v, ok := reflect.Select(append(list, reflect.SelectCase{Dir: reflect.SelectDefault}))
	if i == len(cases) {
		var err error
		i, err = w.channel(ctx, "Select", func(stop <-chan struct{}) int {
			var i int
			stopped := reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(stop)}
			i, v, ok = reflect.Select(append(list, stopped))
			if i == len(cases) {
				return -1
			}
			return i
		})
		if err != nil {
			return -1, err
		}
	}
	cases[i].done(v, ok)
	return i, nil
}

// channel runs block on a goroutine and waits for it. block returns the index of the case it
// performed, or -1 if stop was closed first. When the task is cancelled, channel stops the
// goroutine and waits for it. A case performed at that moment is not lost.
func (w *worker) channel(
	ctx context.Context, op string, block func(stop <-chan struct{}) int,
) (int, error) {
	j := &channelJob{loop: w.loop, stop: make(chan struct{}), i: -1}
	p := &w.wait
	p.begin(ctx, op, j)
	if p.fate == refused {
		return -1, p.refuse()
	}
	j.w = p.waiter()
	l := w.loop
	l.external++
	go func() {
		defer func() {
			if v := recover(); v != nil { // a send on a closed channel
				j.panic = v
			}
			l.inbox.put(j)
		}()
		j.i = block(j.stop)
	}()
	err := p.park()
	if err != nil && !j.done {
		j.halt()
		p.begin(nil, op, j)
		j.w = p.waiter()
		p.park()
	}
	if j.panic != nil {
		panic(j.panic)
	}
	if j.i >= 0 {
		return j.i, nil
	}
	return -1, err
}

// channelJob is a goroutine that waits for channels on behalf of a task.
type channelJob struct {
	plainWait
	loop  *Loop
	w     Waiter
	stop  chan struct{}
	i     int
	panic any
	done  bool // loop only: the goroutine has answered
	over  bool // loop only: it was told to stop
}

// halt tells the goroutine to stop, once.
func (j *channelJob) halt() {
	if !j.over {
		j.over = true
		close(j.stop)
	}
}

// evict implements waitable: no task is left to take the value that the goroutine receives.
func (j *channelJob) evict(*wait, error) { j.halt() }

// waitText implements waitable.
func (j *channelJob) waitText([]*taskCore) string { return "a channel" }

// run is called when the goroutine's answer arrives on the loop.
func (j *channelJob) run() {
	j.done = true
	j.loop.external--
	j.w.Unpark()
}
