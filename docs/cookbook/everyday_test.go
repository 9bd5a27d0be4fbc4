package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiocache"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

func Example_rateLimited() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		rate := aiosync.NewRateLimiter(2, time.Second) // two a second; two at once after a pause

		fetch := func(ctx context.Context, page int) (string, error) {
			if err := rate.Acquire(ctx); err != nil {
				return "", err
			}
			fmt.Println("request", page, "after", loop.Time().Sub(began))
			if err := aio.Sleep(ctx, 3*time.Second); err != nil { // the server is slow
				return "", err
			}
			return fmt.Sprint("page ", page), nil
		}
		pages, err := aio.Map(ctx, []int{1, 2, 3, 4, 5}, fetch, aio.Limit(4)) // four at a time
		fmt.Println(pages)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// request 1 after 0s
	// request 2 after 0s
	// request 3 after 500ms
	// request 4 after 1s
	// request 5 after 3s
	// [page 1 page 2 page 3 page 4 page 5]
}

func Example_workerPool() {
	resize := func(ctx context.Context, picture int) (string, error) {
		took := time.Duration(7-picture) * time.Second // the first ones take longest
		if err := aio.Sleep(ctx, took); err != nil {
			return "", err
		}
		fmt.Println("worker: picture", picture)
		return fmt.Sprint("small ", picture), nil
	}

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		// A slice of work: three at a time, all results at the end, in the order of the items.
		small, err := aio.Map(ctx, []int{1, 2, 3, 4}, resize, aio.Limit(3))
		if err != nil {
			return err
		}
		fmt.Println(small)

		// Work that arrives bit by bit: the same, but each result as soon as its turn has come.
		work := aiosync.NewQueue[int](10)
		for picture := range 3 {
			if err := work.Put(ctx, picture+4); err != nil {
				return err
			}
		}
		work.Shutdown(false) // no more work; the workers end when the queue is empty
		for s, err := range aiter.MapConcurrent(ctx, work.All(ctx), 3, resize) {
			if err != nil {
				return err
			}
			fmt.Println(s)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// worker: picture 3
	// worker: picture 2
	// worker: picture 1
	// worker: picture 4
	// [small 1 small 2 small 3 small 4]
	// worker: picture 6
	// worker: picture 5
	// worker: picture 4
	// small 4
	// small 5
	// small 6
}

func Example_periodic() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		runs := 0
		job := func(ctx context.Context) error {
			runs++
			if runs == 2 {
				return errors.New("the server is away")
			}
			return aio.Sleep(ctx, 25*time.Second) // it takes a while
		}

		for at, err := range aiter.Tick(ctx, time.Minute) { // whole minutes: no drift
			if err != nil {
				return err // cancelled
			}
			err := job(ctx)
			if errors.Is(err, aio.ErrCancelled) {
				return err
			}
			fmt.Println("at", at.Sub(began), "the result is", err)
			if runs == 3 {
				return nil
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// at 1m0s the result is <nil>
	// at 2m0s the result is the server is away
	// at 3m0s the result is <nil>
}

// retry calls fn until it succeeds, up to n times. The pauses double, and a part of each is random,
// so that many clients do not come back at the same moment.
func retry[T any](ctx context.Context, n int, pause time.Duration, fn aio.Func[T]) (T, error) {
	for try := 1; ; try++ {
		v, err := fn(ctx)
		if err == nil || ctx.Err() != nil { // done; or cancelled, which is no failure to repeat
			return v, err
		}
		if try == n {
			return v, fmt.Errorf("after %d tries: %w", n, err)
		}
		fmt.Println("try", try, "failed:", err)
		jitter := time.Duration(rand.Int64N(int64(pause)/10 + 1))
		if err := aio.Sleep(ctx, pause+jitter); err != nil {
			return v, err
		}
		pause = min(2*pause, time.Minute)
	}
}

func Example_retry() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		tries := 0
		answer, err := retry(ctx, 5, time.Second, func(ctx context.Context) (string, error) {
			// Each try has a time limit of its own.
			return aio.WaitFor(ctx, 10*time.Second, func(ctx context.Context) (string, error) {
				if tries++; tries < 3 {
					return "", errors.New("connection refused")
				}
				return "the answer", nil
			})
		})
		took := aio.RunningLoop(ctx).Time().Sub(began)
		fmt.Println(answer, err)
		fmt.Println("about three seconds of pauses:", took.Round(time.Second))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// try 1 failed: connection refused
	// try 2 failed: connection refused
	// the answer <nil>
	// about three seconds of pauses: 3s
}

func Example_retryHTTP() {
	tries := 0
	flaky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "the page")
	})

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		client := &aiohttp.Client{
			Transport: aiohttp.Direct(flaky), // leave it out to ask the network
			Timeout:   time.Minute,           // for all tries together
			Retry: aiohttp.Retry{
				Attempts: 5,
				Backoff:  aiohttp.Exponential(time.Second, 10*time.Second),
				Timeout:  5 * time.Second, // for each
			},
		}
		defer client.Close()
		response, err := client.Get(ctx, "http://example.org/page")
		if err != nil {
			return err
		}
		defer response.Close()
		text, err := response.Text(ctx)
		fmt.Printf("%s, after %d tries\n", text, tries)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// the page, after 3 tries
}

func Example_pubSub() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		prices := aiosync.NewBroadcast[int](3) // keeps the last three for slow subscribers
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			subscribe := func(name string, pause time.Duration) {
				s := prices.Subscribe() // from now on it gets each value
				g.Go(func(ctx context.Context) error {
					for price, err := range s.All(ctx) {
						if lagged, ok := errors.AsType[*aiosync.LaggedError](err); ok {
							fmt.Println(name, "missed", lagged.Missed)
							continue
						}
						if err != nil {
							return err
						}
						fmt.Println(name, "got", price)
						if err := aio.Sleep(ctx, pause); err != nil {
							return err
						}
					}
					fmt.Println(name, "has ended")
					return nil
				})
			}
			subscribe("quick", 0)
			subscribe("slow", time.Hour)
			for price := range 5 {
				prices.Send(price) // never waits
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
			prices.Close() // subscribers still get what is kept
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// quick got 0
	// slow got 0
	// quick got 1
	// quick got 2
	// quick got 3
	// quick got 4
	// quick has ended
	// slow missed 1
	// slow got 2
	// slow got 3
	// slow got 4
	// slow has ended
}

func Example_singleFlight() {
	queries := 0
	users := aiocache.New(func(ctx context.Context, id int) (string, error) {
		queries++
		if err := aio.Sleep(ctx, time.Second); err != nil { // the database
			return "", err
		}
		return fmt.Sprint("user ", id), nil
	}, aiocache.TTL(time.Minute))

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		names, err := aio.Map(ctx, []int{7, 7, 7, 8}, users.Get)
		if err != nil {
			return err
		}
		fmt.Println(names)
		fmt.Println("queries:", queries)

		if err := aio.Sleep(ctx, 2*time.Minute); err != nil { // what was remembered is too old now
			return err
		}
		_, err = users.Get(ctx, 7)
		fmt.Println("queries:", queries)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [user 7 user 7 user 7 user 8]
	// queries: 2
	// queries: 3
}

func Example_progressBar() {
	const total = 8
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		done := 0 // shared by the tasks
		draw := func() {
			// On a terminal begin with "\r" and leave out the "\n": the line is then redrawn.
			fmt.Printf("[%-*s] %d%%\n", total, strings.Repeat("#", done), 100*done/total)
		}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			bar := g.Go(func(ctx context.Context) error {
				for _, err := range aiter.Tick(ctx, time.Second) { // one drawing a second
					if err != nil {
						return err
					}
					draw()
				}
				return nil
			})
			files := make([]int, total)
			_, err := aio.Map(ctx, files, func(ctx context.Context, _ int) (aio.None, error) {
				defer func() { done++ }()
				return aio.None{}, aio.Sleep(ctx, 900*time.Millisecond)
			}, aio.Limit(3))
			bar.Cancel(nil)
			draw()
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [###     ] 37%
	// [######  ] 75%
	// [########] 100%
}

// tail yields the lines of a file and those that are added to it, like tail -F. With io.SeekEnd it
// begins with those that are added. When the file has been cut or replaced, it begins anew.
func tail(
	ctx context.Context, name string, whence int, pause time.Duration,
) iter.Seq2[string, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(string) bool) error {
		f, err := aiofile.Open(ctx, name)
		if err != nil {
			return err
		}
		defer func() { f.Close(ctx) }()
		at, err := f.Seek(ctx, 0, whence)
		if err != nil {
			return err
		}
		var line strings.Builder
		buffer := make([]byte, 32<<10)
		for {
			n, err := f.Read(ctx, buffer)
			if err != nil && err != io.EOF {
				return err
			}
			at += int64(n)
			for part := range strings.Lines(string(buffer[:n])) {
				line.WriteString(part)
				if !strings.HasSuffix(part, "\n") {
					break // the rest of the line is still to come
				}
				if !yield(strings.TrimRight(line.String(), "\r\n")) {
					return nil
				}
				line.Reset()
			}
			if n > 0 {
				continue
			}
			opened, err := f.Stat(ctx)
			if err != nil {
				return err
			}
			named, err := aiofile.Do(ctx, func() (os.FileInfo, error) { return os.Stat(name) })
			switch {
			case errors.Is(err, os.ErrNotExist): // between its removal and its return
			case err != nil:
				return err
			case !os.SameFile(opened, named) || named.Size() < at:
				next, err := aiofile.Open(ctx, name)
				if err != nil {
					return err
				}
				f.Close(ctx)
				f, at = next, 0
				line.Reset()
				continue
			}
			if err := aio.Sleep(ctx, pause); err != nil {
				return err
			}
		}
	})
}

func Example_tail() {
	dir, err := os.MkdirTemp("", "tail")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "access.log")
	write := func(text string, flag int) {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|flag, 0o600)
		if err != nil {
			log.Fatal(err)
		}
		f.WriteString(text)
		f.Close()
	}
	write("old\n", 0)

	err = aio.Run(context.Background(), func(ctx context.Context) error {
		for line, err := range tail(ctx, name, io.SeekStart, 10*time.Millisecond) {
			if err != nil {
				return err
			}
			fmt.Println(line)
			switch line { // what another program would do meanwhile
			case "old":
				write("first\nsec", os.O_APPEND)
			case "first":
				write("ond\n", os.O_APPEND)
			case "second":
				write("new\n", os.O_TRUNC) // it rotates its log
			case "new":
				return nil
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// old
	// first
	// second
	// new
}
