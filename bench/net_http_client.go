package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/stream"
	"github.com/valyala/fasthttp"
)

// A contestant of the work http_client is asked for its requests: the load generator connects and
// sends a line,
//
//	<port> <connections>
//
// and the contestant keeps one request under way on each of so many connections to that port, until
// the load generator closes the one that it has asked on. It reads each body to its end.

// errWrongBody ends a client that got another answer than the right one.
var errWrongBody = errors.New("the body of an answer is a wrong one")

// clientOrder reads the line of the load generator.
func clientOrder(line string) (url string, conns int, err error) {
	var port int
	if _, err := fmt.Sscanf(line, "%d %d\n", &port, &conns); err != nil {
		return "", 0, fmt.Errorf("the order %q: %w", line, err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d/", port), conns, nil
}

var aioHTTPClient = aioStreamServer(func(
	ctx context.Context, r *stream.Reader, _ *stream.Writer,
) error {
	line, err := r.ReadLine(ctx)
	if err != nil {
		return err
	}
	url, conns, err := clientOrder(string(line))
	if err != nil {
		return err
	}
	c := &aiohttp.Client{Limit: conns}
	defer c.Close()
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for range conns {
			g.Go(func(ctx context.Context) error {
				for {
					answer, err := c.Get(ctx, url)
					if err != nil {
						return err
					}
					body, err := answer.Bytes(ctx)
					if err != nil {
						return err
					}
					if string(body) != greeting {
						return errWrongBody
					}
				}
			})
		}
		_, _ = r.ReadAll(ctx)
		g.Cancel(nil)
		return nil
	})
})

var plainHTTPClient = goHTTPClient(func(ctx context.Context, url string, conns int) (
	request func() error, end func(),
) {
	t := &http.Transport{MaxIdleConnsPerHost: conns, MaxConnsPerHost: conns}
	c := &http.Client{Transport: t}
	return func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := c.Do(req)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err == nil && string(body) != greeting {
			err = errWrongBody
		}
		return err
	}, t.CloseIdleConnections
})

var fasthttpClient = goHTTPClient(func(ctx context.Context, url string, conns int) (
	request func() error, end func(),
) {
	c := &fasthttp.Client{MaxConnsPerHost: conns}
	return func() error {
		req, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(answer)
		req.SetRequestURI(url)
		err := c.Do(req, answer)
		if err == nil && string(answer.Body()) != greeting {
			err = errWrongBody
		}
		return errors.Join(err, context.Cause(ctx))
	}, c.CloseIdleConnections
})

// goHTTPClient makes a contestant of a client for goroutines.
func goHTTPClient(
	newClient func(ctx context.Context, url string, conns int) (request func() error, end func()),
) netServer {
	return func(ctx context.Context, started func(net.Addr)) error {
		return acceptPlain(ctx, started, func(conn net.Conn) {
			defer conn.Close()
			r := bufio.NewReader(conn)
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			url, conns, err := clientOrder(line)
			if err != nil {
				return
			}
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			request, end := newClient(ctx, url, conns)
			defer end()
			for range conns {
				go func() {
					for request() == nil {
					}
					conn.Close()
				}()
			}
			io.Copy(io.Discard, r)
		})
	}
}
