package flagkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/slowserver"
)

// Fetch fetches a path of the server. A status other than 200 is a *StatusError.
type Fetch func(ctx context.Context, path string) ([]byte, error)

// StatusError is an answer without the requested data.
type StatusError struct {
	Code int
	URL  string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
}

// largest is the size, in bytes, beyond which an answer is taken for a mistake.
const largest = 1 << 20

// overHTTP fetches from a server. close ends its connections.
func overHTTP(base *url.URL, n int) (fetch Fetch, close func()) {
	client := &aiohttp.Client{Limit: n, MaxBody: largest}
	fetch = func(ctx context.Context, path string) ([]byte, error) {
		target := base.JoinPath(path).String()
		resp, err := client.Get(ctx, target)
		if err != nil {
			return nil, plain(err)
		}
		if resp.StatusCode != http.StatusOK {
			resp.Close()
			return nil, &StatusError{resp.StatusCode, target}
		}
		return resp.Bytes(ctx)
	}
	return fetch, client.Close
}

// plain returns an error of net/http without the method and the URL, which are known.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// fromMemory fetches from a server that is only a variable: what that would take on a network
// passes on the clock of the loop.
func fromMemory(server *slowserver.Server) Fetch {
	return func(ctx context.Context, path string) ([]byte, error) {
		reply, err := server.Answer(ctx, http.MethodGet, "/"+path)
		if err != nil {
			return nil, err
		}
		defer reply.Body.Close()
		if reply.Status != http.StatusOK {
			return nil, &StatusError{reply.Status, path}
		}
		return io.ReadAll(reply.Body)
	}
}
