package aiohttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/aio-go/aio/aiohttp"
)

// What a body that may block returns, and in which pieces, does not change what arrives.
func TestBodiesArriveWholeWhateverPiecesTheyAreReadIn(t *testing.T) {
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		sum := crc32.NewIEEE()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprint(w, n, sum.Sum32(), err)
	})
	all := make([]byte, 1_000_000)
	for i := range all {
		all[i] = byte(i * i >> 8)
	}
	failure := errors.New("the disk is broken")
	run(t, func(ctx context.Context) {
		var c aiohttp.Client
		defer c.Close()
		for name, in := range map[string]func(r io.Reader) io.Reader{
			"as asked for":     func(r io.Reader) io.Reader { return struct{ io.Reader }{r} },
			"halves":           iotest.HalfReader,
			"the end with it":  iotest.DataErrReader,
			"some full pieces": func(r io.Reader) io.Reader { return &uneven{r: r} },
		} {
			for _, size := range []int{1, 512, 32<<10 - 1, 32 << 10, 32<<10 + 1, 64 << 10, 160 << 10,
				160<<10 + 1, 300_000, len(all)} {
				for _, told := range []bool{false, true} {
					req, err := http.NewRequest("POST", s.URL, in(bytes.NewReader(all[:size])))
					ok(t, err)
					if told {
						req.ContentLength = int64(size)
					}
					r, err := c.Do(ctx, req)
					equal(t, fmt.Sprint(name, size, told), text(ctx, t, r, err),
						fmt.Sprint(size, crc32.ChecksumIEEE(all[:size]), nil))
				}
				_, err := c.Post(ctx, s.URL, "", in(io.MultiReader(bytes.NewReader(all[:size]),
					iotest.ErrReader(failure))))
				matches(t, err, failure)
			}
		}
	})
}

// uneven fills every third buffer only.
type uneven struct {
	r io.Reader
	n int
}

func (u *uneven) Read(p []byte) (int, error) {
	if u.n++; u.n%3 > 0 {
		p = p[:min(len(p), 1000*u.n)]
	}
	return u.r.Read(p)
}
