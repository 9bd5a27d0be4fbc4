package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/tlstest"
)

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Method", r.Method)
	fmt.Fprintf(w, "%s %s %s %q", r.Method, r.URL, r.Header.Get("Content-Type"), body)
}

func TestEachMethodSendsWhatItSays(t *testing.T) {
	s := site(t, echo)
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL+"/a?b=c")
		equal(t, "Get", text(ctx, t, r, err), `GET /a?b=c  ""`)
		r, err = c.Post(ctx, s.URL+"/p", "text/plain", strings.NewReader("hello"))
		equal(t, "Post", text(ctx, t, r, err), `POST /p text/plain "hello"`)
		r, err = c.PostForm(ctx, s.URL, url.Values{"x": {"1 2"}})
		equal(t, "PostForm", text(ctx, t, r, err), `POST / application/x-www-form-urlencoded "x=1+2"`)
		r, err = c.Head(ctx, s.URL)
		ok(t, err)
		equal(t, "method of Head", r.Header.Get("X-Method"), "HEAD")
		if _, err := r.Read(ctx, make([]byte, 1)); err != io.EOF {
			t.Errorf("a body after HEAD: %v", err)
		}
		equal(t, "String", r.String(), "<Response HEAD "+s.URL+": 200 OK>")
	})
}

func TestAnAnswerHasStatusHeadAndAddress(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "b")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout\n")
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL+"/pot")
		ok(t, err)
		equal(t, "code", r.StatusCode, 418)
		equal(t, "status", r.Status, "418 I'm a teapot")
		equal(t, "proto", r.Proto, "HTTP/1.1")
		equal(t, "header", r.Header.Get("X-A"), "b")
		equal(t, "length", r.ContentLength, 16)
		equal(t, "URL", r.URL.String(), s.URL+"/pot")
		var status *aiohttp.StatusError
		if err := r.Check(ctx); !errors.As(err, &status) {
			t.Fatal(err)
		}
		equal(t, "head", string(status.Head), "short and stout\n")
		equal(t, "error", status.Error(), "aiohttp: GET "+s.URL+"/pot: 418 I'm a teapot: short and stout")
		if _, err := r.Bytes(ctx); !errors.Is(err, aiohttp.ErrClosed) {
			t.Errorf("reading what Check has closed: %v", err)
		}
	})
}

func TestABodyIsReadInManyWays(t *testing.T) {
	const body = "first\nsecond\n\nlast"
	s := site(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		get := func() *aiohttp.Response {
			r, err := c.Get(ctx, s.URL)
			ok(t, err)
			return r
		}
		all, err := get().Bytes(ctx)
		ok(t, err)
		equal(t, "Bytes", string(all), body)
		equal(t, "Text", text(ctx, t, get(), nil), body)
		var lines []string
		for line, err := range get().Lines(ctx) {
			ok(t, err)
			lines = append(lines, string(line))
		}
		equalSlices(t, "Lines", lines, []string{"first\n", "second\n", "\n", "last"})
		var chunks []byte
		for chunk, err := range get().Chunks(ctx) {
			ok(t, err)
			chunks = append(chunks, chunk...)
		}
		equal(t, "Chunks", string(chunks), body)
		var file bytes.Buffer
		n, err := get().CopyTo(ctx, &file)
		ok(t, err)
		equal(t, "CopyTo", fmt.Sprint(n, file.String()), fmt.Sprint(len(body), body))
		scanner := bufio.NewScanner(get().Body(ctx))
		words := 0
		scanner.Split(bufio.ScanWords)
		for scanner.Scan() {
			words++
		}
		ok(t, scanner.Err())
		equal(t, "words through Body", words, 3)

		r := get()
		for line, err := range r.Lines(ctx) {
			ok(t, err)
			equal(t, "the first line", string(line), "first\n")
			break
		}
		equal(t, "the rest after one line", text(ctx, t, r, nil), body[6:])
		r = get()
		part := make([]byte, 3)
		n2, err := r.Read(ctx, part)
		ok(t, err)
		var rest strings.Builder
		_, err = r.CopyTo(ctx, &rest)
		ok(t, err)
		equal(t, "the rest after a part", string(part[:n2])+rest.String(), body)
	})
}

func TestPiecesArriveWhileTheServerGoesOn(t *testing.T) {
	next := make(chan struct{})
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "event %d\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL)
		ok(t, err)
		n := 0
		for line, err := range r.Lines(ctx) {
			ok(t, err)
			equal(t, "line", string(line), fmt.Sprintf("event %d\n", n))
			n++
			next <- struct{}{}
		}
		equal(t, "lines", n, 3)
	})
}

func TestALineWithoutEndIsAnError(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", 100_000))
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL)
		ok(t, err)
		defer r.Close()
		for _, err := range r.Lines(ctx) {
			matches(t, err, bufio.ErrTooLong)
		}
	})
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", 1001))
	})
	run(t, func(ctx context.Context) {
		for most, fits := range map[int64]bool{1000: false, 1001: true, -1: true, 0: true} {
			c := aiohttp.Client{MaxBody: most}
			for _, before := range []int{0, 10} {
				r, err := c.Get(ctx, s.URL)
				ok(t, err)
				if before > 0 {
					_, err = r.Read(ctx, make([]byte, before))
					ok(t, err)
				}
				_, err = r.Bytes(ctx)
				var large *http.MaxBytesError
				fits := fits || before > 0 // it is what is left that counts
				if is := errors.As(err, &large); is == fits || fits && err != nil {
					t.Errorf("at most %d after %d: %v", most, before, err)
				}
			}
			c.Close()
		}
	})
}

func TestATornBodyIsAnError(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "only this")
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL)
		ok(t, err)
		_, err = r.Bytes(ctx)
		matches(t, err, io.ErrUnexpectedEOF)
		if !strings.Contains(err.Error(), s.URL) {
			t.Errorf("%v does not say where", err)
		}
		r, err = c.Get(ctx, s.URL)
		ok(t, err)
		var file strings.Builder
		_, err = r.CopyTo(ctx, &file)
		matches(t, err, io.ErrUnexpectedEOF)
		equal(t, "what came", file.String(), "only this")
	})
}

func TestTwoTasksDoNotReadOneBody(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, s.URL)
		ok(t, err)
		reader := aio.Start(ctx, func(ctx context.Context) error {
			_, err := r.Read(ctx, make([]byte, 1))
			return err
		})
		yields(ctx, 2)
		_, err = r.Read(ctx, make([]byte, 1))
		matches(t, err, aiohttp.ErrBusy)
		_, err = r.Bytes(ctx)
		matches(t, err, aiohttp.ErrBusy)
		_, err = r.CopyTo(ctx, io.Discard)
		matches(t, err, aiohttp.ErrBusy)
		equal(t, "the reader goes on", reader.Done(), false)
		reader.Cancel(nil)
		_, err = reader.Await(ctx)
		matches(t, err, aio.ErrCancelled)
		_, err = r.Read(ctx, make([]byte, 1))
		matches(t, err, aiohttp.ErrClosed)
	})
}

func TestJSONBothWays(t *testing.T) {
	type point struct{ X, Y int }
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/get":
			equal(t, "Accept", r.Header.Get("Accept"), "application/json")
			json.NewEncoder(w).Encode(point{1, 2})
		case "/swap":
			var p point
			json.NewDecoder(r.Body).Decode(&p)
			json.NewEncoder(w).Encode(point{p.Y, p.X})
		case "/void":
			w.WriteHeader(http.StatusNoContent)
		case "/text":
			io.WriteString(w, "hello")
		default:
			http.Error(w, "no such thing", http.StatusNotFound)
		}
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		p, err := aiohttp.GetJSON[point](ctx, &c, s.URL+"/get")
		ok(t, err)
		equal(t, "GetJSON", p, point{1, 2})
		p, err = aiohttp.PostJSON[point](ctx, &c, s.URL+"/swap", point{3, 4})
		ok(t, err)
		equal(t, "PostJSON", p, point{4, 3})
		p, err = aiohttp.PostJSON[point](ctx, &c, s.URL+"/void", 1)
		ok(t, err)
		equal(t, "no content", p, point{})
		_, err = aiohttp.GetJSON[point](ctx, &c, s.URL+"/text")
		var syntax *json.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), "/text") {
			t.Error(err)
		}
		_, err = aiohttp.GetJSON[point](ctx, &c, s.URL+"/none")
		var status *aiohttp.StatusError
		if !errors.As(err, &status) || status.StatusCode != 404 ||
			!strings.HasSuffix(err.Error(), "/none: 404 Not Found: no such thing") {
			t.Error(err)
		}
		_, err = aiohttp.PostJSON[point](ctx, &c, s.URL, func() {})
		if err == nil {
			t.Error("a function was sent as JSON")
		}
	})
}

func TestFieldsAndCookiesOfTheClientAreSent(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		if cookie, err := r.Cookie("n"); err == nil {
			fmt.Sscan(cookie.Value, &n)
		}
		http.SetCookie(w, &http.Cookie{Name: "n", Value: fmt.Sprint(n + 1)})
		fmt.Fprint(w, n, r.Header.Get("User-Agent"), r.Header.Get("X-Own"))
	})
	jar, err := cookiejar.New(nil)
	ok(t, err)
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Jar: jar, Header: http.Header{"User-Agent": {"me"}, "X-Own": {"client's"}}}
		defer c.Close()
		for i, want := range []string{"0meclient's", "1meclient's"} {
			r, err := c.Get(ctx, s.URL)
			equal(t, fmt.Sprint("request ", i), text(ctx, t, r, err), want)
		}
		req, _ := http.NewRequest("GET", s.URL, nil)
		req.Header.Set("X-Own", "request's")
		r, err := c.Do(ctx, req)
		equal(t, "own field", text(ctx, t, r, err), "2merequest's")
	})
}

func TestSecureSitesSpeakHTTP2(t *testing.T) {
	a := tlstest.New(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.TLS, s.EnableHTTP2 = a.Server(), true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{TLS: a.Client()}
		defer c.Close()
		r, err := c.Post(ctx, s.URL+"/x", "a/b", strings.NewReader("y"))
		equal(t, "answer", text(ctx, t, r, err), `POST /x a/b "y"`)
		equal(t, "proto", r.Proto, "HTTP/2.0")
		if r.TLS == nil {
			t.Error("there is no TLS state")
		}
		var stranger aiohttp.Client
		defer stranger.Close()
		stranger.Retry.Attempts = 4
		_, err = stranger.Get(ctx, s.URL) // tries no further
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Error(err)
		}
	})
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	addresses := make(chan string, 10)
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		addresses <- r.RemoteAddr
		echo(w, r)
	})
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for range 3 {
			r, err := c.Get(ctx, s.URL)
			text(ctx, t, r, err)
		}
	})
	first := <-addresses
	equal(t, "second", <-addresses, first)
	equal(t, "third", <-addresses, first)
}

func TestATimeoutEndsWhateverARequestWaitsFor(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	run(t, func(ctx context.Context) {
		check := func(err error) {
			t.Helper()
			matches(t, err, context.DeadlineExceeded)
			if errors.Is(err, aio.ErrCancelled) || !strings.Contains(err.Error(), "not done within") {
				t.Error(err)
			}
		}
		quick := aiohttp.Client{Timeout: 30 * time.Millisecond}
		defer quick.Close()
		_, err := quick.Get(ctx, s.URL+"/head")
		check(err)
		var fault *url.Error
		if !errors.As(err, &fault) || !fault.Timeout() {
			t.Errorf("%v is no time-out of net/url", err)
		}
		for patient := 50 * time.Millisecond; ; patient *= 2 { // until the head comes in time
			c := aiohttp.Client{Timeout: patient, Limit: 1}
			defer c.Close()
			r, err := c.Get(ctx, s.URL+"/body")
			if err != nil {
				check(err)
				continue
			}
			body, err := io.ReadAll(r.Body(ctx))
			check(err)
			if !strings.HasPrefix("begun", string(body)) {
				t.Errorf("read %q", body)
			}
			_, err = r.Bytes(ctx)
			check(err)
			return
		}
	})
	virtually(t, func(ctx context.Context) { // and its turn
		c := aiohttp.Client{Timeout: time.Minute, Limit: 1,
			Transport: aiohttp.Direct(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.(http.Flusher).Flush()
				aio.Sleep(r.Context(), time.Hour)
			}))}
		defer c.Close()
		r, err := c.Get(ctx, "http://x/")
		ok(t, err)
		defer r.Close()
		_, err = c.Get(ctx, "http://x/")
		matches(t, err, context.DeadlineExceeded)
	})
}

func TestATimeoutOfTheCallerIsOne(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		err := aio.Timeout(ctx, 20*time.Millisecond, func(ctx context.Context) error {
			_, err := c.Get(ctx, s.URL)
			return err
		})
		matches(t, err, context.DeadlineExceeded)
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err = c.Get(short, s.URL)
		matches(t, err, context.DeadlineExceeded)
	})
}

func TestLimitsLetSoManyGoAtATime(t *testing.T) {
	virtually(t, func(ctx context.Context) {
		now, most := map[string]int{}, map[string]int{}
		h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			for _, who := range []string{r.Host, "all"} {
				now[who]++
				most[who] = max(most[who], now[who])
				defer func() { now[who]-- }()
			}
			return aio.Sleep(ctx, time.Second)
		})
		c := aiohttp.Client{Transport: aiohttp.Direct(h), Limit: 5, PerHost: 2}
		defer c.Close()
		began := aio.RunningLoop(ctx).Time()
		var urls []string
		for i := range 12 {
			urls = append(urls, fmt.Sprintf("http://%c.example/", "abc"[i%3]))
		}
		_, err := aio.Map(ctx, urls, func(ctx context.Context, url string) (string, error) {
			r, err := c.Get(ctx, url)
			if err != nil {
				return "", err
			}
			return r.Text(ctx)
		})
		ok(t, err)
		equal(t, "most for all", most["all"], 5)
		equal(t, "most for a", most["a.example"], 2)
		equal(t, "most for c", most["c.example"], 2)
		equal(t, "time", aio.RunningLoop(ctx).Time().Sub(began), 3*time.Second)
	})
}

func TestATurnEndsWithItsResponse(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", 100_000))
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{PerHost: 1}
		defer c.Close()
		for range 3 {
			r, err := c.Get(ctx, s.URL)
			ok(t, err)
			r.Close()
			r.Close()
			r, err = c.Get(ctx, s.URL)
			equal(t, "length", len(text(ctx, t, r, err)), 100_000)
			r, err = c.Get(ctx, s.URL)
			ok(t, err)
			aio.Start(ctx, func(ctx context.Context) error {
				_, err := r.Bytes(ctx)
				return err
			}).Cancel(nil)
			aio.Yield(ctx)
			r.Close()
			_, err = c.Get(ctx, "http://127.0.0.1:1/")
			if err == nil {
				t.Error("somebody listens on port 1")
			}
		}
	})
}

func TestSlowRequestsDoNotKeepThreadsFromWorking(t *testing.T) {
	arrived, release := make(chan struct{}, 50), make(chan struct{})
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
	})
	run(t, func(ctx context.Context) {
		c := aiohttp.Client{Limit: -1}
		defer c.Close()
		ok(t, aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range cap(arrived) {
				g.Go(func(ctx context.Context) error {
					r, err := c.Get(ctx, s.URL)
					if err == nil {
						_, err = r.Bytes(ctx)
					}
					return err
				})
			}
			for range cap(arrived) {
				if _, _, err := aio.Recv(ctx, arrived); err != nil {
					return err
				}
			}
			// there is one place for all such calls
			n, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 42, nil })
			equal(t, "ToThread", n, 42)
			close(release)
			return err
		}))
	}, aio.WithThreadLimiter(1))
}

func TestAClientIsClosedWithItsLoop(t *testing.T) {
	s := site(t, echo)
	before := resourcesNow()
	var c aiohttp.Client
	run(t, func(ctx context.Context) {
		r, err := c.Get(ctx, s.URL)
		text(ctx, t, r, err)
	})
	run(t, func(ctx context.Context) {
		_, err := c.Get(ctx, s.URL)
		matches(t, err, aiohttp.ErrClosed)
	})
	c.Close()
	s.CloseClientConnections()
	before.comeBack(t)
}

func TestAClientBelongsToOneLoop(t *testing.T) {
	s := site(t, echo)
	var c aiohttp.Client
	runner := aio.NewRunner()
	defer runner.Close()
	ok(t, runner.Run(t.Context(), func(ctx context.Context) error {
		r, err := c.Get(ctx, s.URL)
		text(ctx, t, r, err)
		return nil
	}))
	run(t, func(ctx context.Context) {
		defer func() {
			v := fmt.Sprint(recover())
			if !strings.Contains(v, "the client belongs to another loop; make one for each loop") {
				t.Error(v)
			}
		}()
		c.Get(ctx, s.URL)
	})
}

func TestMistakesInRequestsAreErrors(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for _, address := range []string{"", "://", "nonsense", "gopher://host/", "http://"} {
			if _, err := c.Get(ctx, address); err == nil {
				t.Errorf("%q was found", address)
			} else {
				t.Log(err)
			}
		}
	})
}
