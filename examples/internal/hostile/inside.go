package hostile

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/aio-go/aio/internal/realm"
)

// Inside starts two sites until the test ends. outside counts as one of the Internet, and redirects
// every request to inside, which is of this machine and answers with a text. came tells how many
// have come there.
func Inside(t *testing.T, text string) (outside, inside string, came *atomic.Int64) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a whole network of loopback addresses")
	}
	t.Cleanup(realm.PretendPublic())
	came = &atomic.Int64{}
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came.Add(1)
		io.WriteString(w, text)
	}))
	t.Cleanup(private.Close)
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	public := httptest.NewUnstartedServer(http.RedirectHandler(private.URL+"/", http.StatusFound))
	public.Listener.Close()
	public.Listener = ln
	public.Start()
	t.Cleanup(public.Close)
	return public.URL + "/", private.URL + "/", came
}
