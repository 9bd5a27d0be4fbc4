package guide_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

// subscribe stands for a client that calls back on its own goroutine, as subscriptions do.
func subscribe(topic string, handle func(message string)) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 3 {
			handle(fmt.Sprintf("%s %d", topic, i))
		}
	}()
	return func() { <-done }
}

func Example_bridgesCallbacks() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		messages := make(chan string) // no capacity: a slow task blocks the client
		ended, end := context.WithCancel(ctx)
		stop := subscribe("prices", func(m string) {
			select {
			case messages <- m:
			case <-ended.Done():
			}
		})
		defer stop()
		defer end()

		for m, err := range aiter.FromChannel(ctx, messages) {
			if err != nil {
				return err
			}
			fmt.Println(m)
			if m == "prices 1" {
				break
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// prices 0
	// prices 1
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
