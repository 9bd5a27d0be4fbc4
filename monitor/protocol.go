package monitor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/aio-go/aio/internal/safetext"
	"github.com/aio-go/aio/recorder"
)

// The protocol: a client sends one JSON object a line and gets one JSON object a line for each.
//
//	{"v":1,"op":"picture"}                     all loops; loop, stacks, force, brief as in Question
//	{"v":1,"op":"cancel","loop":1,"task":7}    with a reason, if the program allows it
//	{"v":1,"op":"record"}                      loop, for, task, last as in RecordQuestion
//
// An answer has "v", and "picture", "recordings" or "error". After a request that is malformed or
// too long the server ends the connection, so that no page of a browser can pass for a client.

// request is what a client sends.
type request struct {
	Version int    `json:"v"`
	Op      string `json:"op"`
	Loop    uint64 `json:"loop,omitempty"`
	Stacks  bool   `json:"stacks,omitempty"`
	Force   bool   `json:"force,omitempty"`
	Brief   bool   `json:"brief,omitempty"`
	Task    uint32 `json:"task,omitempty"`
	Reason  string `json:"reason,omitempty"`

	For  time.Duration `json:"for,omitempty"`
	Last int           `json:"last,omitempty"`
}

// response is what the server answers.
type response struct {
	Version int      `json:"v"`
	Picture *Picture `json:"picture,omitempty"`
	Error   string   `json:"error,omitempty"`

	Recordings []recorder.Recording `json:"recordings,omitempty"`
}

// Limits of the server.
const (
	maxClients   = 16               // at a time; further ones are turned away
	maxRequest   = 4 << 10          // bytes of a line
	requestTime  = time.Minute      // from one answer to the end of the next request
	responseTime = 10 * time.Second // for the client to take an answer
	refusalTime  = 100 * time.Millisecond
)

// accept takes connections until the listener is closed.
func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no descriptors are left, for instance
			select {
			case <-time.After(refusalTime):
			case <-s.ctx.Done():
				return
			}
			continue
		}
		select {
		case s.slots <- struct{}{}:
			if !s.keep(c) {
				<-s.slots
				c.Close()
				return
			}
			s.work.Go(func() { s.serve(c) })
		default:
			_ = c.SetDeadline(time.Now().Add(refusalTime))
			_ = write(c, response{Error: fmt.Sprintf("%d clients are served already", maxClients)})
			c.Close()
		}
	}
}

// keep remembers a connection for Close. It reports whether the server still runs.
func (s *Server) keep(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.conns[c] = struct{}{}
	}
	return !s.ended
}

// serve answers the requests of one client.
func (s *Server) serve(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		<-s.slots
	}()
	who, err := identify(c)
	if err != nil {
		_ = c.SetDeadline(time.Now().Add(refusalTime))
		_ = write(c, response{Error: err.Error()})
		return
	}
	in := bufio.NewReaderSize(c, maxRequest)
	for {
		if c.SetReadDeadline(time.Now().Add(requestTime)) != nil {
			return
		}
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			_ = write(c, response{Error: fmt.Sprintf("a request has at most %d bytes", maxRequest)})
			return
		}
		if err != nil { // also a line without an end: the client may have been cut off
			return
		}
		r, err := parse(line)
		if err != nil {
			_ = write(c, response{Error: err.Error()})
			return
		}
		if write(c, s.answer(r, who)) != nil {
			return
		}
	}
}

// parse returns the request in a line.
func parse(line []byte) (r request, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if err := d.Decode(&r); err != nil {
		return r, errors.New("malformed request: " + safetext.Error(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return r, errors.New("malformed request: one JSON object a line")
	}
	if r.Version != Version {
		return r, fmt.Errorf("version %d is not known; this program speaks version %d",
			r.Version, Version)
	}
	return r, nil
}

func (s *Server) answer(r request, who string) response {
	return answer(s.ctx, s.settings, r, who)
}

// answer does what r asks for. who asks is the operator of a cancellation.
func answer(ctx context.Context, set settings, r request, who string) response {
	switch r.Op {
	case "picture":
		q := Question{Loop: r.Loop, Stacks: r.Stacks, Force: r.Force, Brief: r.Brief}
		p, err := Take(ctx, q)
		if err != nil {
			return response{Error: safetext.Error(err)}
		}
		p.CanCancel = set.cancel
		return response{Picture: &p}
	case "record":
		q := RecordQuestion{Loop: r.Loop, For: r.For, Task: r.Task, Last: r.Last}
		if q.Last <= 0 || q.Last > maxEvents {
			q.Last = maxEvents
		}
		all, err := Record(ctx, q)
		if err != nil {
			return response{Error: safetext.Error(err)}
		}
		return response{Recordings: all}
	case "cancel":
		if !set.cancel {
			return response{Error: "this program allows no control; start it with " + variable +
				"=cancel, or give the option monitor.AllowCancel"}
		}
		if len(r.Reason) > maxReason {
			return response{Error: fmt.Sprintf("a reason has at most %d bytes", maxReason)}
		}
		cause := &OperatorError{Operator: who, Reason: r.Reason}
		if err := cancel(ctx, r.Loop, r.Task, cause); err != nil {
			return response{Error: safetext.Error(err)}
		}
		return response{}
	}
	return response{Error: "unknown op " + safetext.Cut(fmt.Sprintf("%q", r.Op), 40)}
}

// encoding limits how many answers are in memory at a time.
var encoding = make(chan struct{}, 4)

// write sends an answer. A client that does not take it in time fails it.
func write(c net.Conn, r response) error {
	r.Version = Version
	if r.Picture != nil || r.Recordings != nil {
		encoding <- struct{}{}
		defer func() { <-encoding }()
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := c.SetWriteDeadline(time.Now().Add(responseTime)); err != nil {
		return err
	}
	_, err = c.Write(append(text, '\n'))
	return err
}
