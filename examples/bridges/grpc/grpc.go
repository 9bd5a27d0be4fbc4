// Package grpc joins grpc-go and tasks: calls of a client, its streams as sequences, and methods of
// a server that are tasks. Its functions fit the code that protoc-gen-go-grpc generates.
package grpc

import (
	"context"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
)

// Call makes a unary call: Call(ctx, client.Get, request).
//
// Cancellation: the server is told, and Call returns at once. An answer that has come is returned.
func Call[Req, Res any](
	ctx context.Context,
	method func(ctx context.Context, in *Req, opts ...grpc.CallOption) (*Res, error), in *Req,
) (*Res, error) {
	return aio.ToThread(ctx, func(ctx context.Context) (*Res, error) { return method(ctx, in) },
		aio.Joined())
}

// Receive is the sequence of the messages of a stream from a server: Receive(ctx, client.List,
// request). A slow loop body slows the server.
//
// Cancellation: of the call; the server is told.
func Receive[Req, Res any](
	ctx context.Context,
	method func(ctx context.Context, in *Req, opts ...grpc.CallOption) (
		grpc.ServerStreamingClient[Res], error),
	in *Req,
) iter.Seq2[*Res, error] {
	return aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(*Res) bool) error {
		stream, err := method(ctx, in) // it ends with ctx
		if err != nil {
			return err
		}
		for {
			m, err := stream.Recv()
			if err == io.EOF {
				return nil
			}
			if err != nil || !yield(m) {
				return err
			}
		}
	})
}

// Exchange sends the messages of one sequence on a stream and is the sequence of those that come
// back. The other sequence runs as a task of its own, as far as the server takes its messages. If
// it fails, so does the call.
//
// Cancellation: of the call; the server is told.
func Exchange[Req, Res any](
	ctx context.Context,
	method func(ctx context.Context, opts ...grpc.CallOption) (
		grpc.BidiStreamingClient[Req, Res], error),
	requests func(ctx context.Context) iter.Seq2[*Req, error],
) iter.Seq2[*Res, error] {
	return func(yield func(*Res, error) bool) {
		opened := aio.NewFuture[grpc.BidiStreamingClient[Req, Res]](ctx)
		loop := aio.RunningLoop(ctx)
		sender := aio.Start(ctx, func(ctx context.Context) error {
			stream, err := opened.Await(ctx)
			if err != nil {
				return err
			}
			for m, err := range requests(ctx) {
				if err == nil {
					err = aio.Blocking(ctx, func(context.Context) error { return stream.Send(m) })
				}
				if err == io.EOF { // the stream has ended; Recv knows why
					return nil
				}
				if err != nil {
					return err
				}
			}
			return aio.Blocking(ctx, func(context.Context) error { return stream.CloseSend() })
		}, aio.Name("grpc: sending"))
		defer func() {
			sender.Cancel(nil)
			_, _, _ = aio.Wait(context.WithoutCancel(ctx), aio.AllCompleted, sender)
			_ = sender.Err()
		}()
		receive := aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(*Res) bool) error {
			stream, err := method(ctx)
			if err != nil {
				return err
			}
			_, _ = loop.CallSoonThreadsafe(func() { _ = opened.SetResult(stream) })
			for {
				m, err := stream.Recv()
				if err == io.EOF {
					return nil
				}
				if err != nil || !yield(m) {
					return err
				}
			}
		})
		failed := false
		for m, err := range receive {
			if failed = err != nil; !yield(m, err) || failed {
				return
			}
		}
		if sender.Done() && sender.Err() != nil {
			yield(nil, sender.Err())
		}
	}
}

// Unary makes a method of a server from a function that runs as a task of loop.
//
// Cancellation: when the caller gives up the task is cancelled.
func Unary[Req, Res any](
	loop *aio.Loop, fn func(ctx context.Context, in *Req) (*Res, error),
) func(ctx context.Context, in *Req) (*Res, error) {
	return func(ctx context.Context, in *Req) (*Res, error) {
		return aio.SubmitValue(
			ctx,
			loop,
			func(ctx context.Context) (*Res, error) { return fn(ctx, in) },
		)
	}
}

// Streaming makes a method that answers with a stream from a sequence that runs in a task of loop.
// A slow client slows the sequence.
//
// Cancellation: when the caller gives up the task is cancelled.
func Streaming[Req, Res any](
	loop *aio.Loop, fn func(ctx context.Context, in *Req) iter.Seq2[*Res, error],
) func(in *Req, stream grpc.ServerStreamingServer[Res]) error {
	return func(in *Req, stream grpc.ServerStreamingServer[Res]) error {
		return aio.Submit(stream.Context(), loop, func(ctx context.Context) error {
			return send(ctx, stream.Send, fn(ctx, in))
		})
	}
}

// Bidi makes a method with a stream both ways from a function that turns one sequence into another
// one, in a task of loop.
//
// Cancellation: when the caller gives up the task is cancelled.
func Bidi[Req, Res any](
	loop *aio.Loop,
	fn func(ctx context.Context, in iter.Seq2[*Req, error]) iter.Seq2[*Res, error],
) func(stream grpc.BidiStreamingServer[Req, Res]) error {
	return func(stream grpc.BidiStreamingServer[Req, Res]) error {
		in := make(chan received[Req])
		go func() { // it ends with the method, which ends the stream's context
			defer close(in)
			for {
				m, err := stream.Recv()
				if err == io.EOF {
					return
				}
				select {
				case in <- received[Req]{m, err}:
				case <-stream.Context().Done():
					return
				}
				if err != nil {
					return
				}
			}
		}()
		return aio.Submit(stream.Context(), loop, func(ctx context.Context) error {
			requests := aiter.Map(ctx, aiter.FromChannel(ctx, in),
				func(_ context.Context, r received[Req]) (*Req, error) { return r.m, r.err })
			return send(ctx, stream.Send, fn(ctx, requests))
		})
	}
}

type received[T any] struct {
	m   *T
	err error
}

func send[T any](ctx context.Context, send func(*T) error, items iter.Seq2[*T, error]) error {
	for m, err := range items {
		if err == nil {
			err = aio.Blocking(ctx, func(context.Context) error { return send(m) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}
