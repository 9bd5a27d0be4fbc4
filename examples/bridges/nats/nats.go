// Package nats lets tasks use nats.go: subscriptions as sequences, requests, and JetStream with
// messages that are acknowledged when the loop body is done with them.
package nats

import (
	"context"
	"errors"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// Connect connects to a server, and again whenever the connection is lost.
//
// Cancellation: as for Dial of package net; a connection that was made all the same is returned.
func Connect(ctx context.Context, url string, opts ...nats.Option) (*nats.Conn, error) {
	opts = append([]nats.Option{nats.MaxReconnects(-1)}, opts...)
	return aio.ToThread(ctx, func(context.Context) (*nats.Conn, error) {
		return nats.Connect(url, opts...)
	}, aio.Joined())
}

// Close closes a connection when all that was published has left, also in a cancelled task. Call it
// in a defer. It returns when the goroutines of the connection have ended.
func Close(ctx context.Context, nc *nats.Conn) error {
	closed := make(chan struct{})
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	return aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error {
		err := nc.FlushTimeout(nats.DefaultTimeout)
		nc.Close()
		<-closed
		return err
	})
}

// Subscribe is the sequence of the messages of a subject. Members of a queue share them; an empty
// queue is none. subscribed, if not nil, is called on the loop when the server knows of the
// subscription. If the loop body is slow, messages wait in nats.go; when its limit is reached the
// sequence ends with nats.ErrSlowConsumer. A lost connection does not end the sequence.
//
// Cancellation: the subscription ends.
func Subscribe(
	ctx context.Context, nc *nats.Conn, subject, queue string, subscribed func(),
) iter.Seq2[*nats.Msg, error] {
	loop := aio.RunningLoop(ctx)
	return aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(*nats.Msg) bool) error {
		sub, err := nc.QueueSubscribeSync(subject, queue)
		if err != nil {
			return err
		}
		defer sub.Unsubscribe()
		if err := nc.Flush(); err != nil {
			return err
		}
		if subscribed != nil {
			_, _ = loop.CallSoonThreadsafe(subscribed)
		}
		for {
			m, err := sub.NextMsgWithContext(ctx)
			if err != nil || !yield(m) {
				return err
			}
		}
	})
}

// Request sends a message and waits for the first answer.
//
// Cancellation: it stops waiting. Somebody may have worked on the message.
func Request(ctx context.Context, nc *nats.Conn, subject string, data []byte) (*nats.Msg, error) {
	return aio.ToThread(ctx, func(ctx context.Context) (*nats.Msg, error) {
		return nc.RequestWithContext(ctx, subject, data)
	}, aio.Joined())
}

// Respond answers a request.
//
// Cancellation: an answer that has begun is sent.
func Respond(ctx context.Context, m *nats.Msg, data []byte) error {
	return aio.Blocking(ctx, func(context.Context) error { return m.Respond(data) }, aio.Joined())
}

// Publish stores a message in a stream and waits until it is safe. Of messages with the same id the
// stream keeps the first; so it may be called again after an error.
//
// Cancellation: it stops waiting; the message may be stored or not.
func Publish(ctx context.Context, js jetstream.JetStream, subject, id string, data []byte) error {
	_, err := aio.ToThread(ctx, func(ctx context.Context) (*jetstream.PubAck, error) {
		return js.Publish(ctx, subject, data, jetstream.WithMsgID(id))
	}, aio.Joined())
	return err
}

// Consume is the sequence of the messages of a consumer. A message is acknowledged when the loop
// body asks for the next one. The message at which the loop is left, in any way, is not: it comes
// again at once, unless the body has acknowledged it. A body may see a message twice.
//
// Cancellation: messages that wait are delivered again.
func Consume(ctx context.Context, c jetstream.Consumer) iter.Seq2[jetstream.Msg, error] {
	return func(yield func(jetstream.Msg, error) bool) {
		for m, err := range messages(ctx, c) {
			if err != nil {
				yield(nil, err)
				return
			}
			left := true
			func() {
				defer func() {
					if left {
						// It does nothing if the body has answered.
						_ = aio.Blocking(
							context.WithoutCancel(ctx),
							func(context.Context) error { return m.Nak() },
						)
					}
				}()
				left = !yield(m, nil)
			}()
			if left {
				return
			}
			// If it gets lost, the message comes again.
			err := aio.Blocking(ctx, func(context.Context) error { return m.Ack() }, aio.Joined())
			if err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
				yield(nil, err)
				return
			}
		}
	}
}

// messages is the sequence of messages that nobody has acknowledged.
func messages(ctx context.Context, c jetstream.Consumer) iter.Seq2[jetstream.Msg, error] {
	return aiter.FromThread(
		ctx,
		0,
		func(ctx context.Context, yield func(jetstream.Msg) bool) error {
			it, err := c.Messages(jetstream.PullMaxMessages(100))
			if err != nil {
				return err
			}
			defer it.Stop()
			defer context.AfterFunc(ctx, it.Stop)()
			for {
				m, err := it.Next()
				switch {
				case errors.Is(err, jetstream.ErrNoHeartbeat): // the server is away, or was
					continue
				case err != nil:
					return err
				case !yield(m):
					return m.Nak()
				}
			}
		},
	)
}
