// Package slowserver is a small web server that takes its time: it answers each request after a
// random delay, and some of them with an error. Programs that download are tried out with it.
package slowserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Server serves files. Its fields are set before the first request; it belongs to one loop.
type Server struct {
	Files fs.FS
	Mood  Mood
	Log   io.Writer // a line for each request; nil: none
	// InMemory says that opening a file never waits, and is done by the loop itself. Otherwise it
	// is done on another goroutine: it may wait for a disk.
	InMemory bool
	// Limits bound what visitors may take; nil: nothing does.
	Limits *limits.Limits

	asked   map[uint64]int // how often, by the hash of the path
	seed    maphash.Seed   // of these hashes
	now     int            // requests under way
	atOnce  int            // the most of these there were
	answers map[int]int    // by status
}

// Statistics is what a server has done.
type Statistics struct {
	Requests int         // that were answered
	AtOnce   int         // the most requests that were under way at the same time
	Answers  map[int]int // how many by status
}

// Statistics returns what the server has done so far.
func (s *Server) Statistics() Statistics {
	st := Statistics{AtOnce: s.atOnce, Answers: map[int]int{}}
	for status, n := range s.answers {
		st.Answers[status] = n
		st.Requests += n
	}
	return st
}

// Listen starts to serve. The server is closed with the loop at the latest.
func (s *Server) Listen(
	ctx context.Context, network, address string, opts ...transport.Option,
) (*stream.Server, error) {
	handler := s.serve
	if s.Limits != nil {
		handler = s.Limits.Handler(handler)
	}
	return stream.Serve(ctx, network, address, handler, append(opts, stream.Limit(longestHead))...)
}

// wait calls something that waits for a visitor.
func (s *Server) wait(
	ctx context.Context, w *stream.Writer, fn func(ctx context.Context) error,
) error {
	if s.Limits == nil {
		return fn(ctx)
	}
	return s.Limits.Wait(ctx, w, fn)
}

const longestHead = 16 << 10 // bytes of a request

// serve answers the requests of one connection, one after the other.
func (s *Server) serve(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for {
		var req *http.Request
		err := s.wait(ctx, w, func(ctx context.Context) (err error) {
			req, err = readRequest(ctx, r)
			return err
		})
		if err == io.EOF || errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			if errors.Is(err, context.Canceled) {
				return err
			}
			s.write(ctx, w, nil, errorReply(http.StatusBadRequest))
			return nil
		}
		began := aio.RunningLoop(ctx).Time()
		reply, err := s.Answer(ctx, req.Method, req.URL.Path)
		if err != nil {
			return err
		}
		if req.ContentLength != 0 {
			req.Close = true // there may be a body, which is not read
		}
		err = s.write(ctx, w, req, reply)
		s.log(req, reply, err, aio.RunningLoop(ctx).Time().Sub(began))
		if err != nil || req.Close {
			if errors.Is(err, context.Canceled) {
				return err
			}
			return nil // the visitor has gone, or was told to
		}
	}
}

// readRequest reads the head of a request. At the end of the stream it returns io.EOF.
func readRequest(ctx context.Context, r *stream.Reader) (*http.Request, error) {
	head, err := r.ReadUntil(ctx, []byte("\r\n\r\n"), []byte("\n\n"))
	if err != nil {
		if _, broken := errors.AsType[*stream.IncompleteReadError](err); broken {
			return nil, io.EOF
		}
		return nil, err
	}
	return http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
}

// Answer waits as long as the mood is, and returns the reply. It is the server without a network,
// for tests under a clock of their own. The caller closes the reply's body.
//
// Cancellation: there is no reply.
func (s *Server) Answer(ctx context.Context, method, path string) (*Reply, error) {
	s.now++
	s.atOnce = max(s.atOnce, s.now)
	defer func() { s.now-- }()

	delay, fails := s.Mood.Turn(path, s.nth(path))
	if err := aio.Sleep(ctx, delay); err != nil {
		return nil, err
	}
	var reply *Reply
	switch {
	case method != http.MethodGet && method != http.MethodHead:
		reply = errorReply(http.StatusMethodNotAllowed)
	case fails:
		reply = errorReply(http.StatusTeapot)
	default:
		reply = s.open(ctx, path)
	}
	s.answers[reply.Status]++
	return reply, nil
}

// mostPaths is how many paths are counted separately.
const mostPaths = 10_000

// nth counts the requests for a path, and returns how many there were before. For paths beyond the
// first mostPaths that is always 0: the server remembers no more, or new paths could fill the
// memory.
func (s *Server) nth(path string) int {
	if s.asked == nil {
		s.asked, s.answers, s.seed = map[uint64]int{}, map[int]int{}, maphash.MakeSeed()
	}
	hash := maphash.String(s.seed, path)
	n, known := s.asked[hash]
	if known || len(s.asked) < mostPaths {
		s.asked[hash]++
	}
	return n
}

func (s *Server) open(ctx context.Context, path string) *Reply {
	if s.InMemory {
		return openReply(s.Files, path)
	}
	// It is waited for even if the visitor is given up, or the file would stay open.
	ctx = context.WithoutCancel(ctx)
	reply, err := aio.ToThread(ctx, func(context.Context) (*Reply, error) {
		return openReply(s.Files, path), nil
	})
	if err != nil { // the loop is being closed
		return errorReply(http.StatusServiceUnavailable)
	}
	return reply
}

// write sends a reply. req is nil if the request could not be understood.
func (s *Server) write(
	ctx context.Context, w *stream.Writer, req *http.Request, reply *Reply,
) error {
	defer reply.Body.Close()
	connection := "keep-alive"
	if req == nil || req.Close {
		connection = "close"
	}
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nServer: slowserver\r\nContent-Type: %s\r\nContent-Length: "+
		"%d\r\nConnection: %s\r\n\r\n",
		reply.Status, http.StatusText(reply.Status), reply.Type, reply.Size, connection)
	if req != nil && req.Method == http.MethodHead {
		return s.wait(ctx, w, w.Drain)
	}
	return s.send(ctx, w, reply.Body, reply.Size)
}

// send copies size bytes, which may come from a disk, to a visitor that may be slow.
func (s *Server) send(ctx context.Context, w *stream.Writer, from io.Reader, size int64) error {
	buf := make([]byte, min(size, 64<<10))
	for size > 0 {
		n, err := aio.ToThread(ctx, func(context.Context) (int, error) {
			return io.ReadFull(from, buf[:min(size, int64(len(buf)))])
		})
		if err != nil {
			w.Abort() // the file is shorter than it was: better no end than a wrong one
			return err
		}
		size -= int64(n)
		w.Write(buf[:n])
		if err := s.wait(ctx, w, w.Drain); err != nil {
			return err
		}
	}
	return s.wait(ctx, w, w.Drain)
}

func (s *Server) log(req *http.Request, reply *Reply, err error, took time.Duration) {
	if s.Log == nil {
		return
	}
	result := fmt.Sprint(reply.Status)
	if err != nil {
		result = "gone" // the visitor did not wait for it
	}
	fmt.Fprintf(s.Log, "%4s  %4.2f s  %s %q\n",
		result, took.Seconds(), cli.Short(req.Method, 20), cli.Short(req.URL.Path, 1000))
}
