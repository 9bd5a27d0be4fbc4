package aiohttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// weather is a small site for the examples.
func weather() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/oslo":
			io.WriteString(w, `{"city": "Oslo", "degrees": -3}`)
		case "/rome":
			io.WriteString(w, `{"city": "Rome", "degrees": 14}`)
		case "/week":
			io.WriteString(w, "rain\nrain\nsun\n")
		case "/today":
			http.Redirect(w, r, "/week", http.StatusFound)
		default:
			http.Error(w, "no such city", http.StatusNotFound)
		}
	}))
}

func ExampleClient() {
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := &aiohttp.Client{PerHost: 4, Timeout: 10 * time.Second, Retry: aiohttp.Retry{Attempts: 3}}
		defer c.Close()
		answers, err := aio.Map(ctx, []string{"/oslo", "/rome"},
			func(ctx context.Context, path string) (string, error) {
				r, err := c.Get(ctx, site.URL+path)
				if err != nil {
					return "", err
				}
				return r.Text(ctx)
			})
		for _, a := range answers {
			fmt.Println(a)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"city": "Oslo", "degrees": -3}
	// {"city": "Rome", "degrees": 14}
}

func ExampleGetJSON() {
	type Weather struct {
		City    string
		Degrees int
	}
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var c aiohttp.Client
		defer c.Close()
		w, err := aiohttp.GetJSON[Weather](ctx, &c, site.URL+"/rome")
		fmt.Println(w.City, w.Degrees)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: Rome 14
}

func ExamplePostJSON() {
	adder := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a, b int
		fmt.Fscanf(r.Body, "[%d,%d]", &a, &b)
		fmt.Fprint(w, a+b)
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{Transport: aiohttp.Direct(adder)}
		defer c.Close()
		sum, err := aiohttp.PostJSON[int](ctx, &c, "http://adder/", []int{3, 4})
		fmt.Println(sum)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 7
}

func ExampleDecodeJSON() {
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, site.URL+"/oslo")
		if err != nil {
			return err
		}
		w, err := aiohttp.DecodeJSON[map[string]any](ctx, r)
		fmt.Println(r.StatusCode, w["degrees"])
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 200 -3
}

func ExampleResponse() {
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, site.URL+"/week")
		if err != nil {
			return err
		}
		defer r.Close()
		for line, err := range r.Lines(ctx) { // as they come
			if err != nil {
				return err
			}
			if string(line) == "sun\n" {
				fmt.Println("there will be sun")
				break
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: there will be sun
}

func ExampleResponse_CopyTo() {
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, site.URL+"/week")
		if err != nil {
			return err
		}
		_, err = r.CopyTo(ctx, os.Stdout) // or a file: it is written to off the loop
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// rain
	// rain
	// sun
}

func ExampleRedirect() {
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, site.URL+"/today")
		if err != nil {
			return err
		}
		defer r.Close()
		for _, step := range r.History {
			fmt.Println(step.StatusCode, step.URL.Path)
		}
		fmt.Println(r.StatusCode, r.URL.Path)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 302 /today
	// 200 /week
}

func ExampleStatusError() {
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var c aiohttp.Client
		defer c.Close()
		_, err := aiohttp.GetJSON[any](ctx, &c, site.URL+"/atlantis")
		var status *aiohttp.StatusError
		if errors.As(err, &status) {
			fmt.Printf("%d for %s: %s", status.StatusCode, status.URL.Path, status.Head)
			return nil
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 404 for /atlantis: no such city
}

func ExampleRetry() {
	calls := 0
	moody := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls < 3 {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		c := aiohttp.Client{Transport: aiohttp.Direct(moody), Retry: aiohttp.Retry{Attempts: 6}}
		defer c.Close()
		r, err := c.Get(ctx, "http://moody/")
		if err != nil {
			return err
		}
		defer r.Close()
		fmt.Println(r.Status, "after", aio.RunningLoop(ctx).Time().Sub(began))
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output: 200 OK after 40s
}

func ExampleExponential() {
	back := aiohttp.Exponential(time.Second, time.Minute)
	for _, try := range []int{1, 2, 3, 10} {
		d := back(try)
		fmt.Println(try, d >= time.Second/2, d <= time.Minute)
	}
	// Output:
	// 1 true true
	// 2 true true
	// 3 true true
	// 10 true true
}

func ExampleDirect() {
	slow := aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		if err := aio.Sleep(ctx, time.Hour); err != nil {
			return err
		}
		_, err := io.WriteString(w, "sorry to keep you waiting")
		return err
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		c := aiohttp.Client{Transport: aiohttp.Direct(slow)}
		defer c.Close()
		r, err := c.Get(ctx, "http://anything/")
		if err != nil {
			return err
		}
		text, err := r.Text(ctx)
		fmt.Println(text, "for", aio.RunningLoop(ctx).Time().Sub(began))
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output: sorry to keep you waiting for 1h0m0s
}

func ExampleServe() {
	visits := 0 // belongs to the loop
	counter := aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		visits++
		_, err := fmt.Fprintf(w, "visit %d", visits)
		return err
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", counter)
		if err != nil {
			return err
		}
		defer server.Close()
		var c aiohttp.Client
		defer c.Close()
		for range 2 {
			r, err := c.Get(ctx, server.URL())
			if err != nil {
				return err
			}
			text, err := r.Text(ctx)
			if err != nil {
				return err
			}
			fmt.Println(text)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// visit 1
	// visit 2
}

func ExampleServer_Shutdown() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.NotFoundHandler())
		if err != nil {
			return err
		}
		err = aio.Timeout(ctx, 5*time.Second, server.Shutdown) // at most so long
		fmt.Println("ended:", err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: ended: <nil>
}

func ExampleOnLoop() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		seen := map[string]int{} // belongs to the loop
		api := http.NewServeMux()
		api.HandleFunc("GET /hit/{name}", func(w http.ResponseWriter, r *http.Request) {
			seen[r.PathValue("name")]++
		})
		site := httptest.NewServer(aiohttp.OnLoop(aio.RunningLoop(ctx), api)) // any server of net/http
		defer site.Close()

		var c aiohttp.Client
		defer c.Close()
		for _, name := range []string{"a", "b", "a"} {
			r, err := c.Get(ctx, site.URL+"/hit/"+name)
			if err != nil {
				return err
			}
			r.Close()
		}
		fmt.Println(seen)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: map[a:2 b:1]
}

func ExampleHandlerFunc() {
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		return aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Hour) // some backend that is too slow
		})
	})
	quiet := aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { fmt.Println(r.Message) })
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		r, err := c.Get(ctx, "http://gateway/report")
		if err != nil {
			return err
		}
		defer r.Close()
		fmt.Println(r.Status)
		return nil
	}, quiet, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// aiohttp: the handler of GET /report failed
	// 503 Service Unavailable
}
