package guide_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"net/textproto"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/stream"
)

// store stands for a client library: its calls block their goroutine, and check their context.
type store struct{ delay time.Duration }

func (s store) Get(ctx context.Context, key string) (string, error) {
	select {
	case <-time.After(s.delay):
		return "value of " + key, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func Example_bridges() {
	db := store{time.Millisecond}
	connections := aiosync.NewLimiter(4) // as many as the client has

	get := func(ctx context.Context, key string) (string, error) {
		return aio.ToThread(ctx, func(ctx context.Context) (string, error) {
			return db.Get(ctx, key)
		}, aio.LimitedBy(connections))
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		values, err := aio.Map(ctx, []string{"a", "b", "c"}, get)
		fmt.Println(values)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [value of a value of b value of c]
}

func Example_bridgesCancelled() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.WaitFor(ctx, time.Millisecond, func(ctx context.Context) (string, error) {
			return aio.ToThread(ctx, func(ctx context.Context) (string, error) {
				return store{time.Hour}.Get(ctx, "a") // this context ends with the wait
			})
		})
		fmt.Println("too slow:", errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: too slow: true
}

// take stands for a command that takes an item from a server, such as BLPOP. It heeds its context,
// and may have taken the item when it does.
func take(ctx context.Context, items <-chan string) (string, error) {
	select {
	case item := <-items:
		return item, nil
	case <-ctx.Done():
	}
	select {
	case item := <-items: // at the same moment
		return item, nil
	default:
		return "", context.Cause(ctx)
	}
}

func Example_bridgesJoined() {
	items := make(chan string, 1)
	connections := aiosync.NewLimiter(4)
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var got string
		worker := aio.Start(ctx, func(ctx context.Context) (err error) {
			got, err = aio.ToThread(ctx, func(ctx context.Context) (string, error) {
				return take(ctx, items)
			}, aio.LimitedBy(connections), aio.Joined())
			return err
		})
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		worker.Cancel(nil)
		_, err := worker.Await(ctx)
		fmt.Println("cancelled:", errors.Is(err, aio.ErrCancelled))
		fmt.Printf("taken: %q, free connections: %d\n", got, connections.Available())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// cancelled: true
	// taken: "", free connections: 4
}

// subscription stands for one of a client library.
type subscription struct{ next int }

func (s *subscription) Receive(ctx context.Context) (string, error) {
	select {
	case <-time.After(time.Millisecond):
		s.next++
		return fmt.Sprint("price ", s.next), nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (s *subscription) Close() { fmt.Println("closed") }

func Example_bridgesSubscription() {
	prices := func(ctx context.Context) iter.Seq2[string, error] {
		return aiter.FromThread(ctx, 0,
			func(ctx context.Context, yield func(string) bool) error {
				s := &subscription{}
				defer s.Close()
				for {
					m, err := s.Receive(ctx)
					if err != nil || !yield(m) {
						return err
					}
				}
			})
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		for price, err := range prices(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(price)
			if price == "price 2" {
				break // ends the context of the function, and waits for it
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// price 1
	// price 2
	// closed
}

func Example_bridgesSubmit() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop, visits := aio.RunningLoop(ctx), 0

		// handler stands for a method of a server that calls it on goroutines of its own.
		handler := func(ctx context.Context, name string) (string, error) {
			return aio.SubmitValue(ctx, loop, func(ctx context.Context) (string, error) {
				visits++ // on the loop: no lock
				return fmt.Sprintf("hello %s, visit %d", name, visits), aio.Yield(ctx)
			})
		}

		answer, err := aio.ToThread(ctx, func(context.Context) (string, error) {
			return handler(context.Background(), "gopher")
		})
		fmt.Println(answer)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: hello gopher, visit 1
}

func Example_bridgesNetConn() {
	greeter := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		w.WriteString("220 ready\r\n")
		line, err := r.ReadLine(ctx)
		fmt.Fprintf(w, "250 you said %q\r\n", line)
		return err
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", greeter)
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()

		// A package of the standard library, on a connection of the loop. Each of its reads
		// suspends the task.
		conn := stream.NetConn(ctx, r, w)
		client := textproto.NewReader(bufio.NewReader(conn))
		_, greeting, err := client.ReadResponse(220)
		if err != nil {
			return err
		}
		fmt.Fprintf(conn, "HELO\r\n")
		_, answer, err := client.ReadResponse(250)
		fmt.Println(greeting)
		fmt.Println(answer)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ready
	// you said "HELO\r\n"
}
