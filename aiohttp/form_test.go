package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/aio-go/aio/aiohttp"
)

// The files that net/http makes of a large form are removed when the request is over, whatever
// called the handler and however it has ended.
func TestFilesOfFormsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	files := func() int {
		all, err := os.ReadDir(dir)
		ok(t, err)
		return len(all)
	}
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	part, err := parts.CreateFormFile("f", "f")
	ok(t, err)
	part.Write(bytes.Repeat([]byte("x"), 100_000))
	parts.Close()
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		parts.FormDataContentType(), form.Len(), &form)

	parse := func(r *http.Request) string {
		if r.Method == http.MethodGet {
			return "again"
		}
		return fmt.Sprint(r.ParseMultipartForm(10), files())
	}
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, parse(r))
	})
	task := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		io.WriteString(w, parse(r))
		return nil
	})
	broken := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, parse(r))
		flush(w)
		if r.Method == http.MethodPost {
			panic(http.ErrAbortHandler)
		}
	})
	loop, _ := serving(t)
	for name, h := range map[string]http.Handler{
		"a handler": plain, "a task": task, "off the loop": aiohttp.OffLoop(plain),
		"a task inside": aiohttp.OffLoop(task), "an abort": broken,
	} {
		mounted := httptest.NewServer(aiohttp.OnLoop(loop, h))
		for _, addr := range []net.Addr{serveOn(t, loop, h), mounted.Listener.Addr()} {
			conn, err := net.Dial("tcp", addr.String())
			ok(t, err)
			conn.SetDeadline(time.Now().Add(patience))
			answers := bufio.NewReader(conn)
			for i, say := range []string{request, get} {
				io.WriteString(conn, say)
				resp, err := http.ReadResponse(answers, nil)
				if name == "an abort" && i > 0 { // the connection is closed when all is done
					break
				}
				ok(t, err)
				body, _ := io.ReadAll(resp.Body)
				equal(t, name, string(body), []string{"<nil> 1", "again"}[i])
			}
			equal(t, name+": files that are left", files(), 0)
			conn.Close()
		}
		mounted.Close()
	}
}
