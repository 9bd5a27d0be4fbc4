package slowserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/slowserver"
)

func TestMain(m *testing.M) { clitest.Main(m, nil) }

var files = fstest.MapFS{
	"hello.txt":       {Data: []byte("hello\n")},
	"empty":           {},
	"big.bin":         {Data: []byte(strings.Repeat("0123456789abcdef", 20000))},
	"page/index.html": {Data: []byte("<h1>page</h1>")},
	"list/a b&c.txt":  {Data: []byte("x")},
	"list/deep/x":     {Data: []byte("x")},
}

// serve runs a server until the test ends and returns its address.
func serve(t *testing.T, s *slowserver.Server) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addr, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- aio.Run(ctx, func(ctx context.Context) error {
			l, err := s.Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			addr <- l.Addr().String()
			return l.ServeForever(ctx)
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return <-addr
}

func get(t *testing.T, client *http.Client, url string) (status int, kind, body string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(data)
}

func TestFilesFoldersAndWhatIsNotThere(t *testing.T) {
	base := "http://" + serve(t, &slowserver.Server{Files: files})
	client := &http.Client{Transport: &http.Transport{}, Timeout: clitest.Patience}
	defer client.CloseIdleConnections()
	const text, page = "text/plain; charset=utf-8", "text/html; charset=utf-8"
	for path, want := range map[string]struct {
		status     int
		kind, body string
	}{
		"/hello.txt":            {200, text, "hello\n"},
		"/./x/../hello.txt?q=1": {200, text, "hello\n"},
		"/big.bin":              {200, "application/octet-stream", string(files["big.bin"].Data)},
		"/empty":                {200, "application/octet-stream", ""},
		"/page/":                {200, page, "<h1>page</h1>"},
		"/page":                 {200, page, "<h1>page</h1>"},
		"/list": {200, page, "<!DOCTYPE html>\n<title>/list/</title>\n<h1>/list/</h1>\n<ul>\n" +
			"<li><a href=\"/list/a%20b&amp;c.txt\">a b&amp;c.txt</a>\n<li><a " +
			"href=\"/list/deep\">deep/</a>\n</ul>\n"},
		"/nothing":           {404, text, "404 Not Found\n"},
		"/../../etc/passwd":  {404, text, "404 Not Found\n"},
		"/%2e%2e/etc/passwd": {404, text, "404 Not Found\n"},
	} {
		if status, kind, body := get(t, client, base+path); status != want.status || kind != want.kind ||
			body != want.body {
			t.Errorf("%s: %d %s %.100q, want %d %s %.100q",
				path, status, kind, body, want.status, want.kind, want.body)
		}
	}
	if status, kind, body := get(t, client, base); status != 200 || kind != page ||
		!strings.Contains(body, `<a href="/hello.txt">hello.txt</a>`) {
		t.Errorf("the list of everything: %d %s %q", status, kind, body)
	}
	resp, err := client.Post(base+"/hello.txt", text, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 405 {
		t.Errorf("POST: %s", resp.Status)
	}
}

func TestAFileThatMayNotBeReadAndOneThatIsNone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Skip(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	base := "http://" + serve(t, &slowserver.Server{Files: root.FS()})
	client := &http.Client{Transport: &http.Transport{}, Timeout: clitest.Patience}
	defer client.CloseIdleConnections()
	if status, _, body := get(t, client, base+"/out"); status == 200 {
		t.Errorf("a link that leads out is followed: %q", body)
	}
	if os.Geteuid() != 0 {
		if status, _, _ := get(t, client, base+"/secret"); status != 403 {
			t.Errorf("a file without permissions: %d", status)
		}
	}
}

func TestRequestsByHand(t *testing.T) {
	addr := serve(t, &slowserver.Server{Files: files})
	const hello = "200 slowserver text/plain; charset=utf-8 6 "
	const kept, last = hello + "false hello\n", hello + "true hello\n"
	const bad = "400  text/plain; charset=utf-8 -1 true 400 Bad Request"
	for name, test := range map[string]struct {
		request string
		want    []string
	}{
		"two on one connection": {"GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /hello.txt " +
			"HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []string{kept, last}},
		"HEAD": {"HEAD /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			[]string{hello + "true "}},
		"HTTP/1.0":   {"GET /hello.txt HTTP/1.0\r\n\r\n", []string{last}},
		"bare lines": {"GET /hello.txt HTTP/1.0\n\n", []string{last}},
		"garbage":    {"hello, who is it?\r\n\r\n", []string{bad}},
		"no end": {strings.Repeat("la", 20000), []string{
			"431  text/plain; charset=utf-8 -1 true 431 Request Header Fields Too Large"}},
		"nothing": {"", nil},
		"a part":  {"GET /hello", []string{bad}},
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(clitest.Patience))
		io.WriteString(conn, test.request)
		if !strings.Contains(test.request, "/hello.txt") { // else it would be taken as gone
			conn.(*net.TCPConn).CloseWrite()
		}
		method, _, _ := strings.Cut(test.request, " ")
		var got []string
		for in := bufio.NewReader(conn); ; {
			resp, err := http.ReadResponse(in, &http.Request{Method: method})
			if err != nil {
				break
			}
			body, _ := io.ReadAll(resp.Body)
			got = append(got, fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Server"), " ",
				resp.Header.Get("Content-Type"), " ", resp.ContentLength, " ", resp.Close, " ",
				string(body)))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		conn.Close()
	}
}

func TestOneWhoGoesIsNotWaitedFor(t *testing.T) {
	log := clitest.NewConsole()
	addr := serve(t, &slowserver.Server{Files: files, Log: log})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // 32 MB, which nobody reads
		io.WriteString(conn, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	if _, err := bufio.NewReader(conn).ReadByte(); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	log.Await(t, "gone")
}

// answers asks for each path n times, all at the same time, and returns a line for each answer as
// they came.
func answers(
	t *testing.T, mood slowserver.Mood, n int, paths ...string,
) ([]string, slowserver.Statistics) {
	t.Helper()
	s := slowserver.Server{Files: files, Mood: mood, InMemory: true}
	var lines []string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		began := aio.RunningLoop(ctx).Time()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range n {
				for _, path := range paths {
					g.Go(func(ctx context.Context) error {
						reply, err := s.Answer(ctx, "GET", path)
						if err != nil {
							return err
						}
						lines = append(lines, fmt.Sprintf("%v %s %d %d",
							aio.RunningLoop(ctx).Time().Sub(began), path, i, reply.Status))
						return reply.Body.Close()
					})
				}
			}
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Fatal(err)
	}
	return lines, s.Statistics()
}

func TestTheSameSeedGivesTheSameAgain(t *testing.T) {
	mood := slowserver.Mood{MinDelay: time.Second, MaxDelay: time.Minute, ErrorRate: 0.25, Seed: 7}
	first, st := answers(t, mood, 50, "/hello.txt", "/nothing")
	if st.AtOnce != 100 || st.Requests != 100 || st.Answers[418] < 10 || st.Answers[418] > 40 ||
		st.Answers[200] == 0 || st.Answers[404] == 0 {
		t.Errorf("the answers are %+v", st)
	}
	if again, _ := answers(t, mood, 50, "/hello.txt", "/nothing"); !slices.Equal(first, again) {
		t.Error("another run was another one")
	}
	mood.Seed++
	if other, _ := answers(t, mood, 50, "/hello.txt", "/nothing"); slices.Equal(first, other) {
		t.Error("another seed made no difference")
	}
}

func TestDelaysAndErrorsKeepWithinTheirBounds(t *testing.T) {
	mood := slowserver.Mood{MinDelay: time.Second, MaxDelay: 2 * time.Second, ErrorRate: 1}
	least, most := time.Hour, time.Duration(0)
	for i := range 1000 {
		delay, fails := mood.Turn("/x", i)
		if !fails {
			t.Fatal("it did not fail, at an error rate of 1")
		}
		least, most = min(least, delay), max(most, delay)
	}
	if least < time.Second || least > time.Second+50*time.Millisecond || most > 2*time.Second ||
		most < 1950*time.Millisecond {
		t.Errorf("delays from %v to %v", least, most)
	}
	if delay, fails := (slowserver.Mood{}).Turn("/x", 0); delay != 0 || fails {
		t.Errorf("the quickest mood: %v, %v", delay, fails)
	}
	_, st := answers(t, slowserver.Mood{MinDelay: time.Hour, MaxDelay: time.Hour}, 3, "/empty")
	if want := map[int]int{200: 3}; !maps.Equal(st.Answers, want) {
		t.Errorf("%v, want %v", st.Answers, want)
	}
}

func TestARangeOfDelaysIsRead(t *testing.T) {
	for text, want := range map[string][2]time.Duration{
		"500ms-5s": {500 * time.Millisecond, 5 * time.Second},
		"2s":       {2 * time.Second, 2 * time.Second},
		"0-1m":     {0, time.Minute},
		"0":        {0, 0},
	} {
		if least, most, err := slowserver.ParseDelay(text); err != nil || least != want[0] ||
			most != want[1] {
			t.Errorf("%s: %v, %v, %v", text, least, most, err)
		}
	}
	for _, text := range []string{"", "soon", "5s-500ms", "-1s", "1s-", "1-2"} {
		if _, _, err := slowserver.ParseDelay(text); err == nil {
			t.Errorf("%q is taken for a range", text)
		} else if want := fmt.Sprintf("%q is no range of delays; write it as in 500ms-5s",
			text); err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
