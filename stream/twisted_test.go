package stream_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// twisted is an error of the user's that turns on those who ask it, and wraps itself.
type twisted struct{}

func (e *twisted) Error() string { return "twisted" }
func (e *twisted) Unwrap() error { return e }
func (e *twisted) Is(error) bool { panic("Is") }
func (e *twisted) As(any) bool   { panic("As") }

// twistedNetwork has connections whose reads and writes fail with such errors.
type twistedNetwork struct{ transport.Network }

func (n twistedNetwork) Dial(ctx context.Context, network, address string, o transport.DialOptions) (transport.Conn, error) {
	c, err := n.Network.Dial(ctx, network, address, o)
	return twistedConn{c}, err
}

type twistedConn struct{ transport.Conn }

func (twistedConn) TryRead([]byte) (int, error)  { return 0, &twisted{} }
func (twistedConn) TryWrite([]byte) (int, error) { return 0, &twisted{} }

func TestErrorsOfAUsersNetworkAreAskedWithCare(t *testing.T) {
	reportsOf(t, func(ctx context.Context) {
		greet := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			w.WriteString("hello\n")
			r.ReadAll(ctx)
			return nil
		}
		listen(ctx, t, greet, func(address string) {
			for way, use := range map[string]func(r *stream.Reader, w *stream.Writer) error{
				"ReadLine": func(r *stream.Reader, w *stream.Writer) error { _, err := r.ReadLine(ctx); return err },
				"Write": func(r *stream.Reader, w *stream.Writer) error {
					w.WriteString("x")
					_, err := r.ReadLine(ctx)
					return err
				},
				"NetConn": func(r *stream.Reader, w *stream.Writer) error {
					_, err := stream.NetConn(ctx, r, w).Read(make([]byte, 1))
					return err
				},
			} {
				r, w := dial(transport.WithNetwork(ctx, twistedNetwork{transport.NetworkFrom(ctx)}), t, address)
				if err := use(r, w); err == nil || !strings.Contains(err.Error(), "twisted") {
					t.Errorf("%s: %v", way, err)
				}
				w.Abort()
				w.WaitClosed(ctx)
			}
		})
	})
}
