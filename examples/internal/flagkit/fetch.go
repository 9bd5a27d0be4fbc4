package flagkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/slowserver"
)

// Fetch gets what is behind a path of the server. A status other than 200 is a *StatusError.
type Fetch func(ctx context.Context, path string) ([]byte, error)

// StatusError is the answer of a server that has not what was asked for.
type StatusError struct {
	Code int
	URL  string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
}

// largest is the size, in bytes, beyond which an answer is taken for a mistake.
const largest = 16 << 20

// overHTTP fetches from a server. At most n connections are kept for the next requests; close ends them.
func overHTTP(base *url.URL, n int) (fetch Fetch, close func()) {
	transport := &http.Transport{MaxIdleConnsPerHost: n, MaxIdleConns: n, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment}
	client := &http.Client{Transport: transport}
	fetch = func(ctx context.Context, path string) ([]byte, error) {
		target := base.JoinPath(path).String()
		// Package net/http blocks, so it runs on another goroutine. It gives up when ctx is cancelled.
		return aio.ToThread(ctx, func(ctx context.Context) ([]byte, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
			if err != nil {
				return nil, err
			}
			resp, err := client.Do(req)
			if err != nil {
				return nil, plain(err)
			}
			defer resp.Body.Close()
			return read(resp.StatusCode, target, resp.Body)
		})
	}
	return fetch, transport.CloseIdleConnections
}

// plain returns an error of net/http without the method and the URL, which are known.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// fromMemory fetches from a server that is only a variable: what that would take on a network passes on
// the clock of the loop.
func fromMemory(server *slowserver.Server) Fetch {
	return func(ctx context.Context, path string) ([]byte, error) {
		reply, err := server.Answer(ctx, http.MethodGet, "/"+path)
		if err != nil {
			return nil, err
		}
		defer reply.Body.Close()
		return read(reply.Status, path, reply.Body)
	}
}

func read(status int, target string, body io.Reader) ([]byte, error) {
	if status != http.StatusOK {
		return nil, &StatusError{status, target}
	}
	data, err := io.ReadAll(io.LimitReader(body, largest+1))
	if err == nil && len(data) > largest {
		err = fmt.Errorf("more than %d MB", largest>>20)
	}
	return data, err
}
