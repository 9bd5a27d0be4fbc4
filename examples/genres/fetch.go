package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
)

// way is an order in which to fetch documents.
type way struct {
	name, folder string
	fetch        func(f *fetcher, ctx context.Context) error
}

var (
	synchronous  = way{"synchronous", "sync", (*fetcher).oneAfterTheOther}
	asynchronous = way{"asynchronous", "async", (*fetcher).allAtOnce}
)

// fetcher fetches documents and writes each to its file.
type fetcher struct {
	client *aiohttp.Client
	url    string // {n} is the place of the number
	n      int
	dir    string
	done   func(document) // is called for each document
}

// document is a document that was fetched and written, or failed.
type document struct {
	file string
	text string
	took time.Duration
	err  error
}

// oneAfterTheOther is the program as it would be written without a loop.
func (f *fetcher) oneAfterTheOther(ctx context.Context) error {
	for i := range f.n {
		if err := f.one(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// allAtOnce does the same with each document in a task of its own. The client keeps the limit.
func (f *fetcher) allAtOnce(ctx context.Context) error {
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for i := range f.n {
			g.Go(func(ctx context.Context) error { return f.one(ctx, i) })
		}
		return nil
	})
}

// one fetches and writes document i. What goes wrong with it concerns this document only; the error
// is that of a cancellation.
func (f *fetcher) one(ctx context.Context, i int) error {
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	d := document{file: filepath.Join(f.dir, fmt.Sprintf("new_file%d.txt", i))}
	d.text, d.err = f.fetch(ctx, i)
	if d.err == nil {
		d.err = aiofile.WriteAtomic(ctx, d.file, []byte(d.text), 0o666)
	}
	if errors.Is(d.err, aio.ErrCancelled) {
		return d.err
	}
	d.took = clock.Time().Sub(began)
	f.done(d)
	return nil
}

// fetch returns the text of document i.
func (f *fetcher) fetch(ctx context.Context, i int) (string, error) {
	raw, err := aiohttp.GetJSON[json.RawMessage](ctx, f.client,
		strings.ReplaceAll(f.url, "{n}", strconv.Itoa(i)))
	if err != nil {
		return "", err
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return text, nil
}

// writeJSON is the line about d for machines.
func (d document) writeJSON(w io.Writer, way string) error {
	line := struct {
		Way          string `json:"way"`
		File         string `json:"file"`
		Text         string `json:"text,omitempty"`
		Milliseconds int64  `json:"milliseconds"`
		Error        string `json:"error,omitempty"`
	}{Way: way, File: d.file, Text: d.text, Milliseconds: d.took.Milliseconds()}
	if d.err != nil {
		line.Text, line.Error = "", cli.Line(d.err)
	}
	return cli.WriteJSON(w, line)
}
