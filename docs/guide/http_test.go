package guide_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

func Example_httpServe() {
	visits := 0 // belongs to the loop
	site := http.NewServeMux()
	site.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		visits++ // no lock: tasks of one loop take turns
		fmt.Fprintf(w, "hello %s, visitor %d", r.PathValue("name"), visits)
	})

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", site)
		if err != nil {
			return err
		}
		defer server.Close() // a program that does nothing else: return server.ServeForever(ctx)

		var c aiohttp.Client
		defer c.Close()
		for _, name := range []string{"ann", "bob"} {
			r, err := c.Get(ctx, server.URL()+"/"+name)
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
	// hello ann, visitor 1
	// hello bob, visitor 2
}

func Example_http() {
	type book struct {
		Title string `json:"title"`
		Lent  int    `json:"lent"`
	}
	library := map[string]*book{"1": {Title: "Emma"}, "2": {Title: "Walden"}} // belongs to the loop

	api := http.NewServeMux()
	api.HandleFunc("POST /books/{id}/lend", func(w http.ResponseWriter, r *http.Request) {
		b, ok := library[r.PathValue("id")]
		if !ok {
			http.Error(w, "no such book", http.StatusNotFound)
			return
		}
		b.Lent++ // no lock: tasks of one loop take turns
		fmt.Fprintf(w, `{"title": %q, "lent": %d}`, b.Title, b.Lent)
	})

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", api)
		if err != nil {
			return err
		}
		defer server.Close()

		c := &aiohttp.Client{PerHost: 8, Timeout: 10 * time.Second}
		defer c.Close()

		books, err := aio.Map(ctx, []string{"1", "2", "1"}, func(ctx context.Context, id string) (book, error) {
			return aiohttp.PostJSON[book](ctx, c, server.URL()+"/books/"+id+"/lend", nil)
		})
		if err != nil {
			return err
		}
		fmt.Println(len(books), "loans, Emma", library["1"].Lent, "times")

		_, err = aiohttp.PostJSON[book](ctx, c, server.URL()+"/books/3/lend", nil)
		var status *aiohttp.StatusError
		if errors.As(err, &status) {
			fmt.Printf("%d: %s", status.StatusCode, status.Head)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3 loans, Emma 2 times
	// 404: no such book
}

func Example_httpReach() {
	internal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "for this machine only")
	}))
	defer internal.Close()

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := &aiohttp.Client{Reach: aiohttp.PublicOnly, Timeout: 10 * time.Second}
		defer c.Close()

		preview := func(ctx context.Context, url string) (string, error) {
			r, err := c.Get(ctx, url)
			if err != nil {
				return "", err
			}
			return r.Text(ctx)
		}
		urls := []string{internal.URL, "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"}
		outcomes, err := aio.MapSettled(ctx, urls, preview)
		for _, o := range outcomes {
			fmt.Println(o.Err != nil, errors.Is(o.Err, aiohttp.ErrReach))
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// true true
	// true true
	// true false
}

func Example_httpStream() {
	numbers := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		for sc := bufio.NewScanner(r.Body); sc.Scan(); { // reading suspends the task
			fmt.Fprintln(w, "got", sc.Text())
		}
		return nil
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", numbers)
		if err != nil {
			return err
		}
		defer server.Close()
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Upload(ctx, "POST", server.URL(), "text/plain",
			func(ctx context.Context, w io.Writer) error { // in a task of its own
				for n := range 3 {
					if _, err := fmt.Fprintln(w, n); err != nil {
						return err
					}
				}
				return nil
			})
		if err != nil {
			return err
		}
		defer r.Close() // close a response that is not read to its end
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Printf("%s", line)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// got 0
	// got 1
	// got 2
}

func Example_httpDirect() {
	ticker := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		for n := 1; ; n++ {
			fmt.Fprintln(w, "tick", n)
			w.(http.Flusher).Flush()
			if err := aio.Sleep(ctx, time.Minute); err != nil { // the client has disconnected
				return err
			}
		}
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		began := loop.Time()
		c := &aiohttp.Client{Transport: aiohttp.Direct(ticker)} // no network, so the clock stays virtual
		defer c.Close()

		r, err := c.Get(ctx, "http://ticker/")
		if err != nil {
			return err
		}
		defer r.Close() // close a response that is not read to its end
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Printf("%v %s", loop.Time().Sub(began), line)
			if loop.Time().Sub(began) >= 2*time.Minute {
				break
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 0s tick 1
	// 1m0s tick 2
	// 2m0s tick 3
}

func Example_httpLimits() {
	upload := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		n, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1000))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			http.Error(w, "send at most 1000 bytes", http.StatusRequestEntityTooLarge)
			return nil
		}
		fmt.Fprint(w, n, " bytes")
		return err
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", upload,
			func(s *http.Server) { s.ReadHeaderTimeout = 5 * time.Second },
			aiohttp.BodyTimeout(10*time.Second), aiohttp.MaxConnections(1000))
		if err != nil {
			return err
		}
		defer server.Close()
		c := &aiohttp.Client{Timeout: 10 * time.Second, MaxBody: 1 << 20}
		defer c.Close()
		for _, size := range []int{500, 5000} {
			r, err := c.Post(ctx, server.URL(), "text/plain", strings.NewReader(strings.Repeat("x", size)))
			if err != nil {
				return err
			}
			text, err := r.Text(ctx)
			if err != nil {
				return err
			}
			fmt.Println(r.StatusCode, strings.TrimSpace(text))
		}
		fmt.Println(server.Statistics().Requests, "requests")
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 500 bytes
	// 413 send at most 1000 bytes
	// 2 requests
}

func Example_httpMount() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		count := 0 // belongs to the loop
		site := http.NewServeMux()
		site.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "on a goroutine of net/http")
		})
		site.Handle("/counted", aiohttp.OnLoop(aio.RunningLoop(ctx), aiohttp.HandlerFunc(
			func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
				count++
				_, err := fmt.Fprint(w, "in a task of the loop, ", count)
				return err
			})))
		server := httptest.NewServer(site) // or any other server of net/http
		defer server.Close()

		var c aiohttp.Client
		defer c.Close()
		for _, path := range []string{"/plain", "/counted", "/counted"} {
			r, err := c.Get(ctx, server.URL+path)
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
	// on a goroutine of net/http
	// in a task of the loop, 1
	// in a task of the loop, 2
}

func Example_httpShutdown() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		began := make(chan struct{}, 1)
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiohttp.HandlerFunc(
			func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
				began <- struct{}{}
				if err := aio.Sleep(ctx, 20*time.Millisecond); err != nil {
					return err
				}
				_, err := io.WriteString(w, "done in spite of all")
				return err
			}))
		if err != nil {
			return err
		}
		var c aiohttp.Client
		defer c.Close()
		request := aio.CreateTask(ctx, func(ctx context.Context) (string, error) {
			r, err := c.Get(ctx, server.URL())
			if err != nil {
				return "", err
			}
			return r.Text(ctx)
		})
		if _, _, err := aio.Recv(ctx, began); err != nil {
			return err
		}

		if err := aio.Timeout(ctx, 10*time.Second, server.Shutdown); err != nil {
			return err
		}
		fmt.Println("the server has ended")
		answer, err := request.Await(ctx)
		fmt.Println(answer)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// the server has ended
	// done in spite of all
}

func Example_httpProxy() {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s got %s", r.URL.Path, body)
	}))
	defer backend.Close()
	target, err := url.Parse(backend.URL)
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}

	site := http.NewServeMux()
	site.Handle("/old/", aiohttp.OffLoop(http.StripPrefix("/old", proxy))) // it blocks
	site.Handle("/new/", aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		var c aiohttp.Client
		defer c.Close()
		answer, err := c.Post(ctx, backend.URL+"/new", "text/plain", r.Body) // the body is passed on
		if err != nil {
			return err
		}
		_, err = answer.CopyTo(ctx, w)
		return err
	}))

	err = aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", site)
		if err != nil {
			return err
		}
		defer server.Close()
		var c aiohttp.Client
		defer c.Close()
		for _, path := range []string{"/old/page", "/new/"} {
			r, err := c.Post(ctx, server.URL()+path, "text/plain", strings.NewReader("hello"))
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
	// /page got hello
	// /new got hello
}

func Example_httpEvents() {
	prices := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		events, err := aiohttp.Events(w, r)
		if err != nil {
			return err
		}
		last, _ := strconv.Atoi(events.LastID) // what this client has got already
		for n := last + 1; n <= last+2; n++ {
			e := aiohttp.Event{ID: strconv.Itoa(n), Name: "price", Data: fmt.Sprint(100 + n)}
			if err := events.Send(e); err != nil { // the client has disconnected
				return err
			}
		}
		return nil // here the connection ends, and the client comes again
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := &aiohttp.Client{Transport: aiohttp.Direct(prices)} // or Serve, and a URL of it
		defer c.Close()
		for e, err := range c.Events(ctx, "http://prices/") {
			if err != nil {
				return err
			}
			fmt.Println(e.ID, e.Name, e.Data)
			if e.ID == "4" {
				break
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 price 101
	// 2 price 102
	// 3 price 103
	// 4 price 104
}
