// Package zeromq lets tasks use go-zeromq/zmq4: PUB and SUB as a sequence, REQ and REP as calls.
//
// Version 0.17 of zmq4 leaves one goroutine behind for each PUB socket that is closed while it
// sends: it misses the word of the end. It would also leave one for each question that nobody has
// taken when a REP socket is closed; Reply takes these.
package zeromq

import (
	"context"
	"iter"

	"github.com/go-zeromq/zmq4"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// Subscribe is the sequence of the messages of a publisher that begin with prefix. A slow loop body
// lets messages wait at both ends; the publisher drops those for which it has no room.
//
// Cancellation: the socket is closed. Only that ends a receive of this library.
func Subscribe(ctx context.Context, address, prefix string) iter.Seq2[zmq4.Msg, error] {
	return aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(zmq4.Msg) bool) error {
		socket := zmq4.NewSub(ctx)
		defer socket.Close()
		defer context.AfterFunc(ctx, func() { socket.Close() })()
		if err := socket.Dial(address); err != nil {
			return err
		}
		if err := socket.SetOption(zmq4.OptionSubscribe, prefix); err != nil {
			return err
		}
		for {
			m, err := socket.Recv()
			if err != nil || !yield(m) {
				return err
			}
		}
	})
}

// Publisher sends messages to all that listen.
type Publisher struct{ socket zmq4.Socket }

// Publish listens at an address, such as tcp://127.0.0.1:5555.
func Publish(ctx context.Context, address string) (*Publisher, error) {
	socket := zmq4.NewPub(context.WithoutCancel(ctx))
	if err := listen(ctx, socket, address); err != nil {
		return nil, err
	}
	return &Publisher{socket}, nil
}

func listen(ctx context.Context, socket zmq4.Socket, address string) error {
	err := aio.Blocking(ctx, func(context.Context) error { return socket.Listen(address) },
		aio.Joined())
	if err != nil {
		socket.Close()
	}
	return err
}

// Send sends a message to those that listen now.
//
// Cancellation: a message that has begun is sent.
func (p *Publisher) Send(ctx context.Context, m zmq4.Msg) error {
	return aio.Blocking(ctx, func(context.Context) error { return p.socket.Send(m) }, aio.Joined())
}

// Close closes the socket.
func (p *Publisher) Close() error { return p.socket.Close() }

// Requester asks a server, one question at a time.
type Requester struct {
	address string
	idle    []zmq4.Socket // of the loop
}

// NewRequester makes a requester. It connects when it is used.
func NewRequester(address string) *Requester { return &Requester{address: address} }

// Request sends a question and waits for the answer. Tasks that ask at the same time have sockets
// of their own.
//
// Cancellation: the socket is closed, since a REQ socket without its answer can ask nothing more.
// The server may have worked on the question.
func (r *Requester) Request(ctx context.Context, m zmq4.Msg) (zmq4.Msg, error) {
	var socket zmq4.Socket
	if n := len(r.idle); n > 0 {
		socket, r.idle = r.idle[n-1], r.idle[:n-1]
	}
	free := context.WithoutCancel(ctx)
	answer, err := aio.ToThread(ctx, func(ctx context.Context) (zmq4.Msg, error) {
		if socket == nil {
			socket = zmq4.NewReq(free)
			if err := socket.Dial(r.address); err != nil {
				return zmq4.Msg{}, err
			}
		}
		defer context.AfterFunc(ctx, func() { socket.Close() })()
		if err := socket.Send(m); err != nil {
			return zmq4.Msg{}, err
		}
		return socket.Recv()
	}, aio.Joined())
	if socket == nil {
		return answer, err // cancelled before it began
	}
	if err != nil || ctx.Err() != nil {
		socket.Close()
		return answer, err
	}
	r.idle = append(r.idle, socket)
	return answer, nil
}

// Close closes the sockets. Call it when the tasks that use the requester have ended.
func (r *Requester) Close() {
	for _, s := range r.idle {
		s.Close()
	}
	r.idle = nil
}

// Reply answers questions one after the other, until it is cancelled. answer runs as part of the
// task. listening, if not nil, is called with the address when questions can come.
//
// Cancellation: the socket is closed; who waits for an answer gets none.
func Reply(
	ctx context.Context, address string, listening func(address string),
	answer func(ctx context.Context, m zmq4.Msg) (zmq4.Msg, error),
) error {
	socket := zmq4.NewRep(context.WithoutCancel(ctx))
	if err := listen(ctx, socket, address); err != nil {
		return err
	}
	defer end(socket)
	if listening != nil {
		listening(Address(socket))
	}
	for {
		m, err := aio.ToThread(ctx, func(ctx context.Context) (zmq4.Msg, error) {
			defer context.AfterFunc(ctx, func() { socket.Close() })()
			return socket.Recv()
		}, aio.Joined())
		if err != nil {
			return err
		}
		a, err := answer(ctx, m)
		if err != nil {
			return err
		}
		err = aio.Blocking(ctx, func(context.Context) error { return socket.Send(a) }, aio.Joined())
		if err != nil {
			return err
		}
	}
}

// end closes a REP socket. For each question that nobody takes, zmq4 0.17 has a goroutine that
// waits for ever, also after Close. A Recv then takes a question or says that the socket is closed,
// at random. So it is called until it has said so many times.
func end(socket zmq4.Socket) {
	socket.Close()
	for closed := 0; closed < 50; closed++ {
		if _, err := socket.Recv(); err == nil {
			closed = 0
		}
	}
}

// Address returns the address at which a socket listens.
func Address(s zmq4.Socket) string { return "tcp://" + s.Addr().String() }
