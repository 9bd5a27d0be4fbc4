// Package slowserver is a small web server that takes its time: it answers each request after a
// random delay, and some of them with an error. Programs that download are tried out with it.
package slowserver

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/limits"
)

// Server serves files. Its fields are set before the first request; it belongs to one loop.
type Server struct {
	Files fs.FS
	Mood  Mood
	Log   io.Writer // a line for each request; nil: none
	// InMemory says that opening a file never waits, and is done by the loop itself. Otherwise it
	// is done on another goroutine: it may wait for a disk.
	InMemory bool
	// Limits bound what visitors may take; nil: those of aiohttp.Serve do.
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
func (s *Server) Listen(ctx context.Context, network, address string) (*aiohttp.Server, error) {
	setup := []func(*http.Server){func(h *http.Server) { h.MaxHeaderBytes = longestHead }}
	if l := s.Limits; l != nil {
		setup = append(setup, aiohttp.MaxConnections(l.Connections), aiohttp.BodyTimeout(l.Idle),
			func(h *http.Server) { h.ReadHeaderTimeout, h.IdleTimeout = l.Idle, l.Idle })
	}
	return aiohttp.Serve(ctx, network, address, aiohttp.HandlerFunc(s.serve), setup...)
}

const longestHead = 16 << 10 // bytes of a request

// serve answers a request.
func (s *Server) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	began := aio.RunningLoop(ctx).Time()
	reply, err := s.Answer(ctx, r.Method, r.URL.Path)
	if err == nil {
		err = send(ctx, w, r, reply)
	}
	s.log(r, reply, err, aio.RunningLoop(ctx).Time().Sub(began))
	if err != nil && ctx.Err() == nil {
		err = http.ErrAbortHandler // better no end than a wrong one
	}
	return err
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

// send copies a reply, which may come from a disk, to a visitor that may be slow.
func send(ctx context.Context, w http.ResponseWriter, r *http.Request, reply *Reply) error {
	defer reply.Body.Close()
	h := w.Header()
	h.Set("Server", "slowserver")
	h.Set("Content-Type", reply.Type)
	h.Set("Content-Length", strconv.FormatInt(reply.Size, 10))
	w.WriteHeader(reply.Status)
	if r.Method == http.MethodHead {
		return nil
	}
	buf := make([]byte, min(reply.Size, 64<<10))
	for left := reply.Size; left > 0; {
		n, err := aio.ToThread(ctx, func(context.Context) (int, error) {
			return io.ReadFull(reply.Body, buf[:min(left, int64(len(buf)))])
		})
		if err != nil { // the file is shorter than it was
			return err
		}
		left -= int64(n)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) log(req *http.Request, reply *Reply, err error, took time.Duration) {
	if s.Log == nil {
		return
	}
	result := "gone" // the visitor did not wait for it
	if err == nil {
		result = fmt.Sprint(reply.Status)
	}
	fmt.Fprintf(s.Log, "%4s  %4.2f s  %s %q\n",
		result, took.Seconds(), cli.Short(req.Method, 20), cli.Short(req.URL.Path, 1000))
}
