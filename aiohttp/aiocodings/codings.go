// Package aiocodings is what a client of the web needs to read the pages of strangers: the content
// codings br, zstd and deflate for [aiohttp.Client], and text in the encoding of the page. Python:
// aiohttp with Brotli and backports.zstd, charset-normalizer.
//
//	c := aiohttp.Client{Decoders: aiocodings.Decoders()}
//	r, err := c.Get(ctx, "https://example.org/")
//	...
//	text, err := aiocodings.Text(ctx, r)
package aiocodings

import (
	"bufio"
	"compress/flate"
	"compress/zlib"
	"context"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// maxWindow is how far back a zstd stream may refer, in bytes: what RFC 9659 asks of clients. With
// br the most is 16 MiB, by its format.
const maxWindow = 8 << 20

// Decoders returns decoders for br, zstd and deflate, for [aiohttp.Client.Decoders]. While a body
// is read, br holds up to 16 MiB and zstd up to some 17 MiB. MaxBody counts what comes out, so a
// small body that grows large ends with a [*http.MaxBytesError]; a loop over Chunks has to count
// for itself.
func Decoders() map[string]aiohttp.Decoder {
	return map[string]aiohttp.Decoder{"br": unbrotli, "zstd": unzstd, "deflate": inflate}
}

func unbrotli(body io.Reader) (io.ReadCloser, error) {
	return io.NopCloser(brotli.NewReader(body)), nil
}

func unzstd(body io.Reader) (io.ReadCloser, error) {
	// With a concurrency of 1 it works on the goroutine that reads.
	r, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return r.IOReadCloser(), nil
}

// inflate reads what RFC 9110 calls deflate, which is zlib, and also the bare deflate that some
// servers send.
func inflate(body io.Reader) (io.ReadCloser, error) {
	r := bufio.NewReader(body)
	head, err := r.Peek(2)
	if err == nil && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(r)
	}
	return flate.NewReader(r), nil // it reports err again
}

// Text is [aiohttp.Response.Text] in UTF-8, whatever the encoding of the body. That is, in this
// order: a byte order mark, the charset of Content-Type, that of a meta element among the first
// 1024 bytes, UTF-8 if the body is valid, and otherwise Windows-1252, as in browsers. Bytes that
// have no meaning become U+FFFD. The text may be three times as long as the body, which MaxBody
// limits. Python: response.text().
//
// Cancellation: the response is closed.
func Text(ctx context.Context, r *aiohttp.Response) (string, error) {
	body, err := r.Bytes(ctx)
	if err != nil {
		return "", err
	}
	contentType := r.Header.Get("Content-Type")
	if len(body) <= small {
		return decode(body, contentType)
	}
	return aio.ToThread(ctx, func(context.Context) (string, error) {
		return decode(body, contentType)
	})
}

// small is how many bytes are decoded on the loop.
const small = 16 << 10

// Decode returns the text of a body with that Content-Type, as [Text] does. Any goroutine.
func Decode(body []byte, contentType string) string {
	text, _ := decode(body, contentType)
	return text
}

func decode(body []byte, contentType string) (string, error) {
	e, _, certain := charset.DetermineEncoding(body, contentType)
	// what comes after 1024 bytes counts, too
	if !certain && utf8.Valid(body) || e == encoding.Nop {
		e = unicode.UTF8
	}
	text, err := e.NewDecoder().Bytes(body)
	return strings.TrimPrefix(string(text), "\ufeff"), err // the byte order mark
}
