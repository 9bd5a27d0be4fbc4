package connect

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type number = wrapperspb.Int64Value

// service is what the tests count: all of it belongs to the loop. With a .proto file routes would
// be generated.
type service struct {
	under   int
	results map[int64]int
}

func (s *service) routes() http.Handler {
	site := http.NewServeMux()
	site.Handle("/Numbers/Double", connect.NewUnaryHandler("/Numbers/Double", s.double))
	site.Handle("/Numbers/Count", connect.NewServerStreamHandler("/Numbers/Count", s.count))
	site.Handle("/Numbers/Sums", connect.NewBidiStreamHandler("/Numbers/Sums", s.sums))
	return site
}

func (s *service) double(
	ctx context.Context, in *connect.Request[number],
) (*connect.Response[number], error) {
	s.under++
	defer func() { s.under-- }()
	if in.Msg.Value < 0 {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("negative"))
	}
	if err := aio.Yield(ctx); err != nil { // the context is that of a task
		return nil, err
	}
	s.results[in.Msg.Value]++
	return connect.NewResponse(wrapperspb.Int64(2 * in.Msg.Value)), nil
}

func (s *service) count(
	ctx context.Context, in *connect.Request[number], out *connect.ServerStream[number],
) error {
	s.under++
	defer func() { s.under-- }()
	for i := int64(0); i < in.Msg.Value || in.Msg.Value < 0; i++ {
		if err := out.Send(wrapperspb.Int64(i)); err != nil {
			return err
		}
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) sums(ctx context.Context, stream *connect.BidiStream[number, number]) error {
	sum := int64(0)
	for {
		m, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			sum += m.Value
			err = stream.Send(wrapperspb.Int64(sum))
		}
		if err != nil {
			return err
		}
	}
}

// client is the other end, as it would be generated.
type client struct {
	double *connect.Client[number, number]
	count  *connect.Client[number, number]
	sums   *connect.Client[number, number]
}

func newClient(c *http.Client, url string, opts ...connect.ClientOption) client {
	to := func(method string) *connect.Client[number, number] {
		return connect.NewClient[number, number](c, url+"/Numbers/"+method, opts...)
	}
	return client{to("Double"), to("Count"), to("Sums")}
}

// run serves, and calls main with clients that speak HTTP/2 without TLS.
func run(
	t *testing.T,
	main func(ctx context.Context, s *service, c *http.Client, server *aiohttp.Server) error,
) {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		s := &service{results: map[int64]int{}}
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", s.routes(), Protocols)
		if err != nil {
			return err
		}
		return main(ctx, s, &http.Client{Transport: transport}, server)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Each protocol, each kind of call.
func TestAServerSpeaksConnectGRPCAndGRPCWeb(t *testing.T) {
	run(t, func(ctx context.Context, s *service, hc *http.Client, server *aiohttp.Server) error {
		for name, opts := range map[string][]connect.ClientOption{
			"Connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
		} {
			c := newClient(hc, server.URL(), opts...)
			out, err := Call(ctx, c.double.CallUnary, connect.NewRequest(wrapperspb.Int64(21)))
			if err != nil || out.Msg.Value != 42 {
				t.Errorf("%s: %v, %v", name, out, err)
			}
			_, err = Call(ctx, c.double.CallUnary, connect.NewRequest(wrapperspb.Int64(-1)))
			if connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("%s: error: %v", name, err)
			}
			got, err := aiter.Collect(Receive(ctx, c.count.CallServerStream,
				connect.NewRequest(wrapperspb.Int64(100))))
			if err != nil || len(got) != 100 || got[99].Value != 99 {
				t.Errorf("%s: %d messages, %v", name, len(got), err)
			}
			for m, err := range Receive(ctx, c.count.CallServerStream,
				connect.NewRequest(wrapperspb.Int64(-1))) { // for ever
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if m.Value == 50 {
					break
				}
			}
			for s.under > 0 { // the server is told
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			err = aio.Blocking(ctx, func(ctx context.Context) error {
				stream := c.sums.CallBidiStream(ctx)
				for i, want := range []int64{0, 1, 3, 6} {
					if err := stream.Send(wrapperspb.Int64(int64(i))); err != nil {
						return err
					}
					if m, err := stream.Receive(); err != nil || m.Value != want {
						t.Errorf("%s: sum %d: %v, %v", name, i, m, err)
					}
				}
				return errors.Join(stream.CloseRequest(), stream.CloseResponse())
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
}

// The peer is grpc-go.
func TestAServerSpeaksToGRPCGo(t *testing.T) {
	run(t, func(ctx context.Context, s *service, _ *http.Client, server *aiohttp.Server) error {
		return aio.Blocking(ctx, func(ctx context.Context) error {
			conn, err := grpc.NewClient(server.Addr().String(),
				grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				return err
			}
			defer conn.Close()
			out := new(number)
			err = conn.Invoke(ctx, "/Numbers/Double", wrapperspb.Int64(4), out)
			if err != nil || out.Value != 8 {
				t.Errorf("%v, %v", out, err)
			}
			stream, err := conn.NewStream(ctx,
				&grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/Numbers/Sums")
			if err != nil {
				return err
			}
			for i, want := range []int64{0, 1, 3} {
				if err := stream.SendMsg(wrapperspb.Int64(int64(i))); err != nil {
					return err
				}
				if err := stream.RecvMsg(out); err != nil || out.Value != want {
					t.Errorf("sum %d: %v, %v", i, out, err)
				}
			}
			if err := stream.CloseSend(); err != nil {
				return err
			}
			if err := stream.RecvMsg(out); err != io.EOF {
				t.Errorf("the end is %v", err)
			}
			return nil
		})
	})
}

func TestTheAccountIsExactThroughTheDeathOfTheServer(t *testing.T) {
	run(t, func(ctx context.Context, s *service, hc *http.Client, server *aiohttp.Server) error {
		c := newClient(hc, server.URL(), connect.WithGRPC())
		address := server.Addr().String()
		account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
			out, err := Call(ctx, c.double.CallUnary, connect.NewRequest(wrapperspb.Int64(int64(id))))
			if err == nil && out.Msg.Value != int64(2*id) {
				t.Errorf("twice %d is %d", id, out.Msg.Value)
			}
			return err
		}, func(ctx context.Context) (err error) {
			server.Close()
			server, err = aiohttp.Serve(ctx, "tcp", address, s.routes(), Protocols)
			return err
		})
		if err != nil {
			return err
		}
		for id := range account.Done {
			if s.results[int64(id)] == 0 {
				t.Errorf("call %d has an answer that nobody gave", id)
			}
		}
		for s.under > 0 { // tasks of callers that gave up end in their own time
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		t.Log(account)
		return nil
	})
}
