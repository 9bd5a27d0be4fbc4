package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// server answers requests of one line each:
//
//	echo N       N bytes follow, and come back
//	give N       sends N bytes
//	take N       N bytes follow; answers with how many were as expected
//	nap MS       answers after a while, or with "late" after twice a millisecond
//	hash N       answers with a checksum of N bytes, made off the loop
//	tls          answers "ok" and secures the connection
//	drop         resets the connection
//
// and ends the connection at anything else, with a line that says why.
type server struct {
	*stream.Server
	clientTLS *tls.Config
	serverTLS *tls.Config
}

// listen starts a server on a free port of this machine.
func listen(ctx context.Context) (*server, error) {
	s := new(server)
	var err error
	if s.serverTLS, s.clientTLS, err = selfMade(); err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	s.Server, err = stream.Serve(ctx, "tcp", "127.0.0.1:0", s.handle)
	return s, err
}

const (
	largest = 4 << 20 // the most bytes in one request or answer
	portion = 16 << 10
)

// pattern is the data that is sent: the receiver can check that it is whole.
var pattern = func() []byte {
	p := make([]byte, portion)
	for i := range p {
		p[i] = byte(i*31 + i>>8)
	}
	return p
}()

// handle serves one connection.
func (s *server) handle(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	for {
		line, err := r.ReadLine(ctx)
		if err == nil {
			err = s.answer(ctx, string(line), r, w)
		}
		switch {
		case gone(err):
			return nil // clients here leave as they like
		case errors.Is(err, errRequest), errors.Is(err, stream.ErrLimit):
			fmt.Fprintf(w, "error: %v\n", err)
			return nil
		case err != nil:
			return err
		}
	}
}

// gone reports whether err only says that the other side has left.
func gone(err error) bool {
	for _, known := range []error{io.EOF, stream.ErrIncomplete, stream.ErrClosed,
		io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, known) {
			return true
		}
	}
	var alert *net.OpError // an alert of the other side: it has ended the handshake
	return errors.As(err, &alert) && alert.Op == "remote error"
}

var errRequest = errors.New("not a request")

// answer answers one request.
func (s *server) answer(
	ctx context.Context, line string, r *stream.Reader, w *stream.Writer,
) error {
	verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	n, err := strconv.Atoi(rest)
	if rest != "" && (err != nil || n < 0 || n > largest) {
		return fmt.Errorf("%w: %q is no number that will do", errRequest, rest)
	}
	switch verb {
	case "echo":
		data, err := r.ReadExactly(ctx, n)
		if err != nil {
			return err
		}
		w.Write(data)
	case "give":
		return send(ctx, w, n)
	case "take":
		if err := receive(ctx, r, n); err != nil {
			return err
		}
		fmt.Fprintf(w, "%d\n", n)
	case "nap":
		err := aio.Timeout(ctx, 2*time.Millisecond, func(ctx context.Context) error {
			return aio.Sleep(ctx, time.Duration(n)*time.Millisecond)
		})
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			w.WriteString("late\n")
		case err != nil:
			return err
		default:
			w.WriteString("rested\n")
		}
	case "hash":
		sum, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) {
			return checksum(n), nil
		})
		if err != nil {
			return err
		}
		w.Write(sum)
	case "tls":
		w.WriteString("ok\n")
		return w.StartTLS(ctx, s.serverTLS)
	case "drop":
		w.Abort()
		return stream.ErrClosed
	default:
		return fmt.Errorf("%w: %.20q", errRequest, verb)
	}
	return w.Drain(ctx)
}

// send sends n bytes of the pattern, as fast as the other side takes them.
func send(ctx context.Context, w *stream.Writer, n int) error {
	for n > 0 {
		k := min(n, portion)
		if _, err := w.Write(pattern[:k]); err != nil {
			return err
		}
		if err := w.Drain(ctx); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// errPattern is the error of receive when other bytes come than were sent.
var errPattern = errors.New("the bytes received are not those that were sent")

// receive reads n bytes of the pattern.
func receive(ctx context.Context, r *stream.Reader, n int) error {
	buf := make([]byte, portion)
	for n > 0 {
		at := 0
		for want := min(n, portion); at < want; {
			k, err := r.Read(ctx, buf[at:want])
			if err != nil {
				return err
			}
			at += k
		}
		if !bytes.Equal(buf[:at], pattern[:at]) {
			return errPattern
		}
		n -= at
	}
	return nil
}

// checksum is some work for a processor.
func checksum(n int) []byte {
	h := sha256.New()
	for n > 0 {
		k := min(n, portion)
		h.Write(pattern[:k])
		n -= k
	}
	return h.Sum(nil)
}
