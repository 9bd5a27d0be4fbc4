package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiter"
)

// The pages that are asked for. They are answered here, so that nothing leaves the machine.
var pages = map[string]string{
	"realpython.com/": "<!DOCTYPE html>\n\n<html><title>A page</title></html>\n",
	"pycoders.com/":   "<!DOCTYPE html>\n\n<html><title>Another page</title></html>\n",
	"www.bbc.co.uk/rd/projects/cloud-fit-production": "<!DOCTYPE html>\n\n<html><title>A page on " +
		"production in the cloud</title></html>\n",
}

// The time limit of a request to a real site.
const patience = 20 * time.Second

// newClient returns a client that finds the pages above and no others.
func newClient() *aiohttp.Client {
	return &aiohttp.Client{Transport: aiohttp.Direct(http.HandlerFunc(func(
		w http.ResponseWriter, r *http.Request,
	) {
		path := r.URL.Path
		if path == "" {
			path = "/"
		}
		page, found := pages[r.Host+path]
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page)
	}))}
}

// asyncSession is a context manager that makes a request when it is entered, and closes its client
// when it is left.
type asyncSession struct {
	url    string
	client *aiohttp.Client
}

func (a *asyncSession) Enter(ctx context.Context) (*aiohttp.Response, error) {
	return a.client.Get(ctx, a.url)
}

func (a *asyncSession) Exit(context.Context, error) error {
	a.client.Close() // with the response
	return nil
}

// session checks two sites at the same time.
func session(ctx context.Context, s *show) error {
	check := func(ctx context.Context, url string) (aio.None, error) {
		return aio.None{}, aiter.With(ctx, &asyncSession{url, s.client()},
			func(ctx context.Context, response *aiohttp.Response) error {
				s.printf("%s: status -> %d\n", url, response.StatusCode)
				html, err := response.Text(ctx)
				if err != nil {
					return err
				}
				s.printf("%s: type -> %s\n", url, strings.TrimSpace(html[:min(17, len(html))]))
				return nil
			})
	}

	_, err := aio.All(ctx,
		aio.Bind(check, "https://realpython.com"),
		aio.Bind(check, "https://pycoders.com"),
	)
	return err
}

// fetch prints the status and the text of a page.
func fetch(ctx context.Context, s *show) error {
	client := s.client()
	defer client.Close()
	response, err := client.Get(ctx, "https://www.bbc.co.uk/rd/projects/cloud-fit-production")
	if err != nil {
		return err
	}
	defer response.Close()
	s.println(response.StatusCode)
	text, err := response.Text(ctx)
	if err != nil {
		return err
	}
	s.print(text)
	return nil
}
