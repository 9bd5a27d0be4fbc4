package aiohttp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// A proxy of net/http blocks while its backend answers. Behind a prefix nobody can see what it is,
// so it is told.
func ExampleOffLoop() {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "the backend got", r.URL.Path)
	}))
	defer backend.Close()
	target, err := url.Parse(backend.URL)
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	site := http.NewServeMux()
	site.Handle("/old/", aiohttp.OffLoop(http.StripPrefix("/old", proxy)))

	err = aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", site)
		if err != nil {
			return err
		}
		defer server.Close()
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, server.URL()+"/old/page")
		if err != nil {
			return err
		}
		text, err := r.Text(ctx)
		fmt.Print(text)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: the backend got /page
}

// limits shows where the settings of a server go.
func limits(ctx context.Context, setup ...func(*http.Server)) error {
	upload := aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(w, n, " bytes")
		return err
	})
	server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", upload, setup...)
	if err != nil {
		return err
	}
	defer server.Close()
	var c aiohttp.Client
	defer c.Close()
	r, err := c.PostForm(ctx, server.URL(), url.Values{"name": {"value"}})
	if err != nil {
		return err
	}
	text, err := r.Text(ctx)
	fmt.Println(text)
	return err
}

func ExampleBodyTimeout() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return limits(ctx, aiohttp.BodyTimeout(10*time.Second))
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 10 bytes
}

func ExampleMaxConnections() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return limits(ctx, aiohttp.MaxConnections(100))
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 10 bytes
}

// The files of a folder, below a path. A browser that has one asks whether it has changed.
func ExampleFiles() {
	dir, err := os.MkdirTemp("", "static")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello, world"), 0o644); err != nil {
		log.Fatal(err)
	}
	root, err := os.OpenRoot(dir) // no link leads out of it
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	site := http.NewServeMux()
	site.Handle("/static/", http.StripPrefix("/static", aiohttp.Files(http.FS(root.FS()))))

	err = aio.Run(context.Background(), func(ctx context.Context) error {
		c := &aiohttp.Client{Transport: aiohttp.Direct(site)}
		defer c.Close()
		ask := func(field, value string) (*aiohttp.Response, error) {
			req, err := http.NewRequest("GET", "http://site/static/hello.txt", nil)
			if err != nil {
				return nil, err
			}
			req.Header.Set(field, value)
			return c.Do(ctx, req)
		}
		part, err := ask("Range", "bytes=7-11")
		if err != nil {
			return err
		}
		text, err := part.Text(ctx)
		if err != nil {
			return err
		}
		fmt.Println(part.StatusCode, text)
		again, err := ask("If-None-Match", part.Header.Get("ETag"))
		if err != nil {
			return err
		}
		defer again.Close()
		fmt.Println(again.StatusCode)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 206 world
	// 304
}
