package zeromq

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
)

// left waits until zmq4 has no more than most goroutines in a function.
func left(t *testing.T, function string, most int) {
	t.Helper()
	// A look each millisecond: nothing tells of the end of a goroutine of others.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		n := goroutines(function)
		if n <= most {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left in %s", n, function)
		}
	}
}

// goroutines counts those in a function of zmq4.
func goroutines(function string) int {
	stacks := make([]byte, 4<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "zmq4."+function)
}

func run(t *testing.T, main func(ctx context.Context) error) {
	t.Helper()
	if err := aio.Run(t.Context(), main); err != nil {
		t.Fatal(err)
	}
}

func TestMessagesOfAPublisherAreASequence(t *testing.T) {
	defer left(t, "(*pubMWriter).run(", 1+goroutines("(*pubMWriter).run(")) // see the package's comment
	defer left(t, "(*subSocket)", 0)
	run(t, func(ctx context.Context) error {
		p, err := Publish(ctx, "tcp://127.0.0.1:0")
		if err != nil {
			return err
		}
		defer p.Close()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			publisher := g.Go(func(ctx context.Context) error {
				for i := 0; ; i++ {
					for _, topic := range []string{"a", "b"} {
						err := p.Send(ctx, zmq4.NewMsgString(fmt.Sprint(topic, " ", i)))
						if err != nil {
							return err
						}
					}
				}
			})
			defer publisher.Cancel(nil)
			for range 3 { // the sequence closes its socket
				last := -1
				for m, err := range Subscribe(ctx, Address(p.socket), "b") {
					if err != nil {
						return err
					}
					var topic string
					var i int
					fmt.Sscan(string(m.Bytes()), &topic, &i)
					if topic != "b" || last >= 0 && i != last+1 {
						t.Errorf("%q after %d", m.Bytes(), last)
					}
					if last = i; i%100 == 99 {
						break
					}
				}
			}
			return nil
		})
	})
}

func TestTheAccountOfRequestsIsExactThroughTheDeathOfTheServer(t *testing.T) {
	defer left(t, "(*rep", 0)
	defer left(t, "(*req", 0)
	defer left(t, "(*socket)", 0)
	run(t, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			answers := map[string]int{}
			server := func(address string) (*aio.Task[aio.None], string, error) {
				listening := aio.NewFuture[string](ctx)
				task := g.Go(func(ctx context.Context) error {
					return Reply(ctx, address, func(a string) { _ = listening.SetResult(a) },
						func(_ context.Context, m zmq4.Msg) (zmq4.Msg, error) {
							answers[string(m.Bytes())]++
							return zmq4.NewMsgString(strings.ToUpper(string(m.Bytes()))), nil
						})
				})
				a, err := listening.Await(ctx)
				return task, a, err
			}
			task, address, err := server("tcp://127.0.0.1:0")
			if err != nil {
				return err
			}
			r := NewRequester(address)
			defer r.Close()
			account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
				question := fmt.Sprint("q", id)
				a, err := r.Request(ctx, zmq4.NewMsgString(question))
				if err == nil && string(a.Bytes()) != strings.ToUpper(question) {
					t.Errorf("the answer to %s is %s", question, a.Bytes())
				}
				return err
			}, func(ctx context.Context) (err error) {
				task.Cancel(nil)
				if _, err := aio.GatherSettled(ctx, task); err != nil {
					return err
				}
				task, _, err = server(address)
				return err
			})
			if err != nil {
				return err
			}
			for id := range account.Done {
				if answers[fmt.Sprint("q", id)] == 0 {
					t.Errorf("question %d has an answer that nobody gave", id)
				}
			}
			t.Log(account)
			task.Cancel(nil)
			return nil
		})
	})
}
