package aiocodings_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiohttp/aiocodings"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// coders are those of servers.
var coders = map[string]func(w io.Writer) io.WriteCloser{
	"br":   func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		return z
	},
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"bare deflate": func(w io.Writer) io.WriteCloser {
		f, err := flate.NewWriter(w, 9)
		if err != nil {
			panic(err)
		}
		return f
	},
}

func encode(coding string, p []byte) []byte {
	var buf bytes.Buffer
	w := coders[coding](&buf)
	if _, err := w.Write(p); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// ways are the ways of a client to a handler: its own connections, net/http's with HTTP/2, none.
func ways(
	t *testing.T, h http.Handler, test func(ctx context.Context, t *testing.T, c *aiohttp.Client, url string),
) {
	t.Helper()
	run := func(t *testing.T, c *aiohttp.Client, url string) {
		c.Decoders = aiocodings.Decoders()
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			defer c.Close()
			test(ctx, t, c, url)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("own", func(t *testing.T) {
		s := httptest.NewServer(h)
		defer s.Close()
		run(t, &aiohttp.Client{}, s.URL)
	})
	t.Run("HTTP2", func(t *testing.T) {
		s := httptest.NewUnstartedServer(h)
		s.EnableHTTP2 = true
		s.StartTLS()
		defer s.Close()
		run(t, &aiohttp.Client{Transport: s.Client().Transport}, s.URL)
	})
	t.Run("direct", func(t *testing.T) {
		run(t, &aiohttp.Client{Transport: aiohttp.Direct(h)}, "http://direct")
	})
}

func TestEachCodingIsUndone(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	noise := make([]byte, 300<<10)
	random.Read(noise)
	bodies := map[string][]byte{
		"empty": {}, "short": []byte("short"), "long": bytes.Repeat([]byte("long "), 200_000), "noise": noise,
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		coding := r.URL.Query().Get("coding")
		offer := r.Header.Get("Accept-Encoding")
		if offer != "br, deflate, zstd, gzip" {
			t.Errorf("it offers %q", offer)
		}
		w.Header().Set("Content-Encoding", strings.ToUpper(strings.TrimPrefix(coding, "bare ")))
		w.Write(encode(coding, bodies[r.URL.Query().Get("body")]))
	})
	ways(t, h, func(ctx context.Context, t *testing.T, c *aiohttp.Client, url string) {
		for coding := range coders {
			for name, body := range bodies {
				r, err := c.Get(ctx, url+"/?coding="+strings.ReplaceAll(coding, " ", "+")+"&body="+name)
				if err != nil {
					t.Fatal(err)
				}
				got, err := r.Bytes(ctx)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%s, %s: %d bytes of %d, %v", coding, name, len(got), len(body), err)
				}
				if r.Header.Get("Content-Encoding") != "" {
					t.Errorf("%s: the header says it is encoded", coding)
				}
			}
		}
	})
}

// A few kilobytes that become a gigabyte end at MaxBody, and take no memory.
func TestABombEndsAtTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes large bombs")
	}
	const size = 256 << 20
	bombs := map[string][]byte{}
	for coding, coder := range coders {
		var buf bytes.Buffer
		w := coder(&buf)
		zeros := make([]byte, 1<<20)
		for range size >> 20 {
			w.Write(zeros)
		}
		w.Close()
		bombs[strings.TrimPrefix(coding, "bare ")] = buf.Bytes()
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		coding := r.URL.Path[1:]
		w.Header().Set("Content-Encoding", coding)
		w.Write(bombs[coding])
	})
	ways(t, h, func(ctx context.Context, t *testing.T, c *aiohttp.Client, url string) {
		c.MaxBody = 1 << 20
		for coding := range bombs {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := c.Get(ctx, url+"/"+coding)
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Bytes(ctx)
			var large *http.MaxBytesError
			if !errors.As(err, &large) || large.Limit != 1<<20 {
				t.Errorf("%s: %v", coding, err)
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("%s: it allocated %d MiB", coding, grown>>20)
			}
			if r, err = c.Get(ctx, url+"/"+coding); err != nil {
				t.Fatal(err)
			}
			n := 0
			for chunk, err := range r.Chunks(ctx) {
				if n += len(chunk); err != nil || n > 8<<20 {
					break
				}
			}
			r.Close()
			if n <= 8<<20 {
				t.Errorf("%s: %d bytes in pieces", coding, n)
			}
		}
	})
}

// A zstd frame may ask for a window of any size.
func TestAWindowThatIsTooLargeIsRefused(t *testing.T) {
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, 65<<20))
	w.Close()
	r, err := aiocodings.Decoders()["zstd"](bytes.NewReader(buf.Bytes()))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
		r.Close()
	}
	if !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("the error is %v", err)
	}
}

func TestATornOrFalseBodyIsAnError(t *testing.T) {
	text := bytes.Repeat([]byte("some text, "), 10_000)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		coding, how, _ := strings.Cut(r.URL.Path[1:], "/")
		body := encode(coding, text)
		switch how {
		case "torn":
			body = body[:len(body)/2]
		case "false":
			body = []byte("\xffthis is none of them")
		}
		w.Header().Set("Content-Encoding", coding)
		w.Write(body)
	})
	ways(t, h, func(ctx context.Context, t *testing.T, c *aiohttp.Client, url string) {
		for _, coding := range []string{"br", "zstd", "deflate", "gzip"} {
			for _, how := range []string{"torn", "false"} {
				r, err := c.Get(ctx, url+"/"+coding+"/"+how)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.Bytes(ctx); err == nil {
					t.Errorf("%s, %s: no error", coding, how)
				}
			}
		}
	})
}

// The program's own Accept-Encoding brings the bytes as they are.
func TestWhoAsksForACodingGetsIt(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		w.Write(encode("br", []byte("text")))
	})
	ways(t, h, func(ctx context.Context, t *testing.T, c *aiohttp.Client, url string) {
		c.Header = http.Header{"Accept-Encoding": {"br"}}
		r, err := c.Get(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Bytes(ctx)
		if err != nil || !bytes.Equal(got, encode("br", []byte("text"))) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestACancelledReadEndsTheResponse(t *testing.T) {
	for coding := range coders {
		wait := make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", strings.TrimPrefix(coding, "bare "))
			body := encode(coding, bytes.Repeat([]byte("x"), 1<<20))
			w.Write(body[:len(body)/2])
			w.(http.Flusher).Flush()
			<-wait
		}))
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			c := aiohttp.Client{Decoders: aiocodings.Decoders()}
			defer c.Close()
			r, err := c.Get(ctx, s.URL)
			if err != nil {
				return err
			}
			err = aio.Timeout(ctx, 1, func(ctx context.Context) error { _, err := r.Bytes(ctx); return err })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", coding, err)
			}
			if _, err := r.Read(ctx, make([]byte, 1)); !errors.Is(err, aiohttp.ErrClosed) {
				t.Errorf("%s: afterwards %v", coding, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		close(wait)
		s.Close()
	}
}

// Byte by byte, as bodies may arrive.
func TestDecodersReadInAnyPieces(t *testing.T) {
	text := bytes.Repeat([]byte("abcdefgh"), 1000)
	for name, decoder := range aiocodings.Decoders() {
		r, err := decoder(iotest.OneByteReader(bytes.NewReader(encode(name, text))))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		r.Close()
	}
}

func TestTheEncodingOfATextIsFound(t *testing.T) {
	in := func(e encoding.Encoding, s string) []byte {
		p, err := e.NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	meta := `<html><meta charset="iso-8859-2"><p>`
	later := strings.Repeat("a", 5000) + "é"
	for name, c := range map[string]struct {
		contentType string
		body        []byte
		want        string
	}{
		"header":         {"text/html; charset=ISO-8859-15", in(charmap.ISO8859_15, "5 € é"), "5 € é"},
		"header, quoted": {`text/html; charset="shift_jis"`, in(japanese.ShiftJIS, "日本"), "日本"},
		"meta":           {"text/html", in(charmap.ISO8859_2, meta+"łód"), meta + "łód"},
		"header wins":    {"text/html; charset=utf-8", []byte(meta + "łód"), meta + "łód"},
		"mark":           {"text/html; charset=iso-8859-1", []byte("\xef\xbb\xbfé"), "é"},
		"UTF-16": {"text/html", append([]byte("\xff\xfe"),
			in(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "é!")...), "é!"},
		"UTF-8":          {"text/plain", []byte("é"), "é"},
		"UTF-8 later":    {"text/html", []byte(later), later},
		"Windows-1252":   {"", in(charmap.Windows1252, "caf\u00e9 \u20ac"), "café €"},
		"unknown name":   {"text/html; charset=x-none", []byte("é"), "é"},
		"no type at all": {"", nil, ""},
		"invalid":        {"text/html; charset=utf-8", []byte("a\xffb"), "a\ufffdb"},
		"broken type":    {"text/html; charset", []byte("é"), "é"},
	} {
		if got := aiocodings.Decode(c.body, c.contentType); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	long := strings.Repeat("é", 200_000)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		w.Header().Set("Content-Encoding", "zstd")
		w.Write(encode("zstd", in(charmap.ISO8859_1, long)))
	})
	ways(t, h, func(ctx context.Context, t *testing.T, c *aiohttp.Client, url string) {
		r, err := c.Get(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := aiocodings.Text(ctx, r); text != long || err != nil {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		c.MaxBody = 100
		if r, err = c.Get(ctx, url); err != nil {
			t.Fatal(err)
		}
		var large *http.MaxBytesError
		if _, err := aiocodings.Text(ctx, r); !errors.As(err, &large) {
			t.Errorf("beyond MaxBody: %v", err)
		}
	})
}

// A page of the past, in a coding of today.
func Example() {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		w.Write(encode("br", []byte("Gr\xfc\xdfe")))
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{Transport: aiohttp.Direct(page), Decoders: aiocodings.Decoders()}
		defer c.Close()
		r, err := c.Get(ctx, "http://example/")
		if err != nil {
			return err
		}
		text, err := aiocodings.Text(ctx, r)
		fmt.Println(text, err)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// Grüße <nil>
}

func ExampleDecode() {
	fmt.Println(aiocodings.Decode([]byte("<meta charset=windows-1251>\xc4\xe0"), "text/html"))
	// Output:
	// <meta charset=windows-1251>Да
}
