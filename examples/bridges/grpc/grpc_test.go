package grpc

import (
	"context"
	"errors"
	"iter"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type (
	number = wrapperspb.Int64Value
)

// numbers is a service. With a .proto file its parts below would be generated.
type numbers struct {
	double func(context.Context, *number) (*number, error)
	count  func(*number, grpc.ServerStreamingServer[number]) error
	sums   func(grpc.BidiStreamingServer[number, number]) error
}

var description = grpc.ServiceDesc{
	ServiceName: "Numbers",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Double",
		Handler: func(s any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(number)
			if err := decode(in); err != nil {
				return nil, err
			}
			return s.(*numbers).double(ctx, in)
		},
	}},
	Streams: []grpc.StreamDesc{{
		StreamName: "Count", ServerStreams: true,
		Handler: func(s any, stream grpc.ServerStream) error {
			in := new(number)
			if err := stream.RecvMsg(in); err != nil {
				return err
			}
			return s.(*numbers).count(in, &grpc.GenericServerStream[number, number]{ServerStream: stream})
		},
	}, {
		StreamName: "Sums", ServerStreams: true, ClientStreams: true,
		Handler: func(s any, stream grpc.ServerStream) error {
			return s.(*numbers).sums(&grpc.GenericServerStream[number, number]{ServerStream: stream})
		},
	}},
}

type client struct{ *grpc.ClientConn }

func (c client) Double(ctx context.Context, in *number, opts ...grpc.CallOption) (*number, error) {
	out := new(number)
	return out, c.Invoke(ctx, "/Numbers/Double", in, out, opts...)
}

func (c client) Count(ctx context.Context, in *number, opts ...grpc.CallOption) (grpc.ServerStreamingClient[number], error) {
	stream, err := c.NewStream(ctx, &description.Streams[0], "/Numbers/Count", opts...)
	if err != nil {
		return nil, err
	}
	x := &grpc.GenericClientStream[number, number]{ClientStream: stream}
	return x, errors.Join(x.ClientStream.SendMsg(in), x.ClientStream.CloseSend())
}

func (c client) Sums(ctx context.Context, opts ...grpc.CallOption) (grpc.BidiStreamingClient[number, number], error) {
	stream, err := c.NewStream(ctx, &description.Streams[1], "/Numbers/Sums", opts...)
	return &grpc.GenericClientStream[number, number]{ClientStream: stream}, err
}

// service is what the tests count: all of it belongs to the loop.
type service struct {
	begun, cancelled, under int
	results                 map[int64]int
}

func (s *service) enter() (leave func(err *error)) {
	s.begun++
	s.under++
	return func(err *error) {
		s.under--
		if errors.Is(*err, aio.ErrCancelled) {
			s.cancelled++
		}
	}
}

func (s *service) double(ctx context.Context, in *number) (out *number, err error) {
	defer s.enter()(&err)
	if in.Value < 0 {
		return nil, status.Error(codes.InvalidArgument, "negative")
	}
	if err := aio.Yield(ctx); err != nil {
		return nil, err
	}
	s.results[in.Value]++
	return wrapperspb.Int64(2 * in.Value), nil
}

func (s *service) count(ctx context.Context, in *number) iter.Seq2[*number, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(*number) bool) (err error) {
		defer s.enter()(&err)
		for i := int64(0); i < in.Value || in.Value < 0; i++ {
			if !yield(wrapperspb.Int64(i)) {
				return nil
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *service) sums(
	ctx context.Context, in iter.Seq2[*number, error],
) iter.Seq2[*number, error] {
	sum := int64(0)
	return aiter.Map(ctx, in, func(_ context.Context, n *number) (*number, error) {
		sum += n.Value
		return wrapperspb.Int64(sum), nil
	})
}

// start serves at an address, until stop is called.
func start(ctx context.Context, address string, s *service) (at string, stop func(), err error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, err
	}
	server, loop := grpc.NewServer(), aio.RunningLoop(ctx)
	server.RegisterService(&description, &numbers{
		double: Unary(loop, s.double), count: Streaming(loop, s.count), sums: Bidi(loop, s.sums),
	})
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(ln)
	}()
	return ln.Addr().String(), func() { server.Stop(); <-served }, nil
}

func run(t *testing.T, main func(ctx context.Context, s *service, c client, restart func(context.Context) error) error) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		s := &service{results: map[int64]int{}}
		address, stop, err := start(ctx, looptest.FreeAddress(t), s)
		if err != nil {
			return err
		}
		// Stop waits for the methods, which are tasks of this loop.
		halt := func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error { stop(); return nil })
		}
		defer func() { _ = halt(context.WithoutCancel(ctx)) }()
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 1e7, MaxDelay: 1e7}}))
		if err != nil {
			return err
		}
		defer conn.Close()
		err = main(ctx, s, client{conn}, func(ctx context.Context) (err error) {
			if err := halt(ctx); err != nil {
				return err
			}
			_, stop, err = start(ctx, address, s)
			return err
		})
		for s.under > 0 && err == nil { // tasks of callers that gave up end in their own time
			err = aio.Yield(ctx)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheAccountIsExactThroughTheDeathOfTheServer(t *testing.T) {
	run(t, func(ctx context.Context, s *service, c client, restart func(context.Context) error) error {
		account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
			out, err := Call(ctx, c.Double, wrapperspb.Int64(int64(id)))
			if err == nil && out.Value != int64(2*id) {
				t.Errorf("twice %d is %d", id, out.Value)
			}
			return err
		}, restart)
		if err != nil {
			return err
		}
		for id := range account.Done {
			if s.results[int64(id)] == 0 {
				t.Errorf("call %d has an answer that nobody gave", id)
			}
		}
		t.Log(account, "begun:", s.begun, "cancelled on the server:", s.cancelled)
		return nil
	})
}

func TestStreamsAreSequences(t *testing.T) {
	run(t, func(ctx context.Context, s *service, c client, _ func(context.Context) error) error {
		got, err := aiter.Collect(Receive(ctx, c.Count, wrapperspb.Int64(100)))
		if err != nil || len(got) != 100 || got[99].Value != 99 {
			t.Errorf("%d messages, %v", len(got), err)
		}
		for m, err := range Receive(ctx, c.Count, wrapperspb.Int64(-1)) { // for ever
			if err != nil {
				return err
			}
			if m.Value == 50 {
				break
			}
		}
		for s.under > 0 { // the server is told
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		last := int64(-1)
		one := func(ctx context.Context) iter.Seq2[*number, error] {
			return aiter.Map(ctx, aiter.Take(readings(ctx), 100),
				func(_ context.Context, i int64) (*number, error) { return wrapperspb.Int64(i), nil })
		}
		n := int64(0)
		for m, err := range Exchange(ctx, c.Sums, one) {
			if err != nil {
				return err
			}
			if want := n * (n + 1) / 2; m.Value != want {
				t.Errorf("sum %d is %d", n, m.Value)
			}
			last = m.Value
			n++
		}
		if last != 4950 {
			t.Errorf("the last sum is %d", last)
		}
		n = 0
		for _, err := range Exchange(ctx, c.Sums, func(ctx context.Context) iter.Seq2[*number, error] {
			return aiter.Map(ctx, readings(ctx),
				func(_ context.Context, i int64) (*number, error) { return wrapperspb.Int64(i), nil })
		}) {
			if err != nil {
				return err
			}
			if n++; n == 20 {
				break
			}
		}
		return nil
	})
}

func readings(ctx context.Context) iter.Seq2[int64, error] {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(int64) bool) error {
		for i := int64(0); yield(i); i++ {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestErrorsOfMethodsReachTheCaller(t *testing.T) {
	run(t, func(ctx context.Context, s *service, c client, _ func(context.Context) error) error {
		_, err := Call(ctx, c.Double, wrapperspb.Int64(-1))
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("error: %v", err)
		}
		return nil
	})
}
