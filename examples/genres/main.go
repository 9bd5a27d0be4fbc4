// Genres fetches JSON documents and writes each to a file of its own, one after the other and all
// at once.
//
//	go run ./examples/genres    ten documents from a server of its own, both ways
//	go run ./examples/genres -n 5 https://binaryjazz.us/wp-json/genrenator/v1/genre/
//
// fetch.go has the two ways; server.go is the other end.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("genres", usage, err)
	}
	p := &program{settings: s, Streams: std}
	code, err := cli.Run(ctx, p.main)
	switch {
	case code == cli.Interrupted:
		fmt.Fprintln(std.Err, "genres: interrupted:", p.counts)
		return code
	case err != nil:
		return std.Fail("genres", err)
	case p.unwritten != nil:
		return std.Fail("genres", p.unwritten)
	case p.counts.failed > 0:
		fmt.Fprintln(std.Err, "genres:", p.counts)
		return cli.Failed
	}
	return cli.OK
}

// largest is the size of a document, in bytes, beyond which it is not read.
const largest = 1 << 20

// program is one run.
type program struct {
	settings
	cli.Streams
	transport http.RoundTripper // nil: the network
	counts    counts
	unwritten error // of the first line for machines that was lost
}

// counts is what became of the documents.
type counts struct{ wanted, written, failed int }

func (c counts) String() string {
	return fmt.Sprintf("%d of %d documents written, %d failed", c.written, c.wanted, c.failed)
}

// main is the main task.
func (p *program) main(ctx context.Context) error {
	url := p.url
	if url == "" && p.transport == nil {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", genrenator)
		if err != nil {
			return err
		}
		defer server.Close()
		url = server.URL()
	}
	url = cmp.Or(url, "http://genrenator")
	if p.url == "" {
		url += "/genre/{n}"
	}
	c := &aiohttp.Client{
		Transport: p.transport,
		PerHost:   p.limit,
		Timeout:   p.timeout,
		MaxBody:   largest,
		Retry:     aiohttp.Retry{Attempts: 1 + p.retries},
	}
	c.Header = http.Header{"User-Agent": {"Mozilla/5.0 (genres)"}}
	if p.public && p.transport == nil {
		c.Reach = aiohttp.NoNarrower
	}
	defer c.Close()
	var times []time.Duration
	for _, w := range p.ways {
		took, err := p.timed(ctx, w, &fetcher{
			client: c,
			url:    url,
			n:      p.n,
			dir:    filepath.Join(p.dir, w.folder),
		})
		if err != nil {
			return err
		}
		times = append(times, took)
	}
	switch {
	case len(times) < 2:
	case p.counts.failed > 0:
		fmt.Fprintf(p.say(), "\nThe times tell nothing: %s not written.\n",
			cli.Count(p.counts.failed, "document"))
	default:
		fmt.Fprintf(p.say(), "\nAll at once is %.1f times as fast.\n",
			float64(times[0])/float64(max(1, times[1])))
	}
	return nil
}

// timed fetches and writes all documents in one way.
func (p *program) timed(ctx context.Context, w way, f *fetcher) (time.Duration, error) {
	if err := aio.Blocking(ctx,
		func(context.Context) error { return os.MkdirAll(f.dir, 0o777) }); err != nil {
		return 0, err
	}
	p.counts.wanted += f.n
	f.done = func(d document) { p.show(w, d) }
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	fmt.Fprintln(p.say(), "Starting...")
	if err := w.fetch(f, ctx); err != nil {
		return 0, err
	}
	took := clock.Time().Sub(began)
	fmt.Fprintf(p.say(), "Time to complete %s read/writes: %.2f seconds\n", w.name, took.Seconds())
	return took, nil
}

// say is the destination of sentences, which do not belong between lines of JSON.
func (p *program) say() io.Writer {
	if p.json {
		return io.Discard
	}
	return p.Out
}

// show counts a document and reports its outcome.
func (p *program) show(w way, d document) {
	if d.err != nil {
		p.counts.failed++
	} else {
		p.counts.written++
	}
	switch {
	case p.json:
		if err := d.writeJSON(p.Out, w.name); p.unwritten == nil {
			p.unwritten = err
		}
	case d.err != nil:
		fmt.Fprintf(p.Err, "genres: %s: %s\n", cli.Printable(d.file), cli.Line(d.err))
	default:
		fmt.Fprintf(p.Out, "Writing '%s' to '%s'...\n",
			shorten(cli.Printable(d.text)), cli.Printable(d.file))
	}
}

// shorten keeps a line a line.
func shorten(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return text
}
