package transport

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
)

func TestWhatIsOpenWhenItsLoopClosesIsCountedAndInDebugModeReported(t *testing.T) {
	looptest.NeedUDP(t)
	for _, debug := range []bool{true, false} {
		onEach(t, func(t *testing.T, n Network) {
			before := Unclosed()
			var reports []aio.Report
			want := 2
			sockets := 0
			err := aio.Run(WithNetwork(context.Background(), n), func(ctx context.Context) error {
				s, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol { return BaseProtocol{} })
				if err != nil {
					return err
				}
				open := func() (Transport, error) {
					return Connect(ctx, "tcp", s.Addrs()[0].String(), BaseProtocol{})
				}
				if _, err := open(); err != nil {
					return err
				}
				closed, err := open()
				if err != nil {
					return err
				}
				closed.Close()
				if runtime.GOOS == "linux" {
					sockets = 1
					if _, err := NewSocket(ctx, "tcp4"); err != nil {
						return err
					}
				}
				_, err = Endpoint(ctx, "udp4", "127.0.0.1:0", "", BaseDatagramProtocol{})
				return err
			}, aio.WithDebug(debug), aio.WithSlowCallback(0),
				aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r) }))
			if err != nil {
				t.Fatal(err)
			}
			after := Unclosed()
			if got := after.Connections + after.Endpoints +
				after.Sockets - before.Connections - before.Endpoints - before.Sockets; got != want+sockets {
				t.Errorf("counted %d, want %d", got, want+sockets)
			}
			if !debug {
				want = 0
			}
			if len(reports) != want {
				t.Errorf("reported %+v, want %d", reports, want)
			}
			for _, r := range reports {
				last := r.Attrs[len(r.Attrs)-1]
				if !r.Warning || last.Key != "opened" ||
					!strings.HasPrefix(last.Value.String(), "unclosed_test.go:") {
					t.Errorf("reported %+v", r)
				}
			}
		})
	}
}
