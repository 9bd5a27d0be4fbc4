// Package flagkit is shared by the programs that download flags: their command line, a source and a
// destination of the files, and the account of the results.
package flagkit

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/flagart"
	"github.com/aio-go/aio/examples/internal/slowserver"
)

// Program is a program that downloads flags.
type Program struct {
	Name   string
	About  string // the first lines of its help
	MaxReq int    // the default of -m; 0: no limit
	// Download fills in the results of a job. Its error is that of a run that was cancelled.
	Download func(ctx context.Context, job *Job) error
}

// Main runs the program in a process of its own.
func (p *Program) Main() { os.Exit(p.Run(context.Background(), os.Args[1:], cli.Standard())) }

// Run is the whole program, from the command line to the exit code.
func (p *Program) Run(ctx context.Context, args []string, std cli.Streams) int {
	o, err := p.parse(args)
	if err != nil {
		return std.Usage(p.Name, p.usage(), err)
	}
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		return std.Fail(p.Name, fmt.Errorf("there is no folder for the files: %w", err))
	}
	job := newJob(o, std.Out)
	var options []aio.Option
	if o.Virtual {
		options = append(options, aio.WithClock(aio.NewVirtualClock()))
	}
	var took time.Duration
	code, err := cli.Run(ctx, func(ctx context.Context) error {
		done, err := job.connect(ctx)
		if err != nil {
			return err
		}
		defer done()
		clock := aio.RunningLoop(ctx)
		began := clock.Time()
		defer func() { took = clock.Time().Sub(began) }()
		return job.withProgress(ctx, std.Progress, p.Download)
	}, options...)
	if code == cli.Failed {
		return std.Fail(p.Name, err)
	}
	if err := job.report(std.Out, took); err != nil {
		return std.Fail(p.Name, err)
	}
	switch {
	case code == cli.Interrupted:
		fmt.Fprintf(std.Err, "%s: interrupted\n", p.Name)
		return code
	case job.Count().Failed > 0:
		return cli.Failed
	}
	return cli.OK
}

// connect sets where the job downloads from and where it puts the files.
func (job *Job) connect(ctx context.Context) (done func(), err error) {
	job.save = offTheLoop(job.Folder)
	if job.Server != nil {
		job.fetch, done = overHTTP(job.Server, job.MaxReq)
		return done, nil
	}
	server := &slowserver.Server{Files: flagart.Files(), Mood: job.Mood}
	if job.Virtual {
		server.InMemory = true
		job.fetch, job.save = fromMemory(server), onTheLoop(job.Folder)
		return func() {}, nil
	}
	// The server is one more task of the same loop.
	listener, err := server.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	fetch, closeIdle := overHTTP(&url.URL{
		Scheme: "http",
		Host:   listener.Addr().String(),
	}, job.MaxReq)
	job.fetch = fetch
	return func() {
		closeIdle()
		listener.Close()
	}, nil
}

// report writes the results.
func (job *Job) report(w io.Writer, took time.Duration) error {
	if !job.JSON {
		_, err := io.WriteString(w, job.summary(took))
		return err
	}
	type record struct {
		Code string `json:"code"`
		// "ok", "not found", "error", or "" if it was not got to
		Status       Status  `json:"status"`
		File         string  `json:"file"`
		Error        string  `json:"error"`
		Milliseconds float64 `json:"milliseconds"`
	}
	c := job.Count()
	all := struct {
		Asked    int      `json:"asked"`
		OK       int      `json:"ok"`
		NotFound int      `json:"not_found"`
		Failed   int      `json:"error"`
		NotDone  int      `json:"not_done"`
		AtOnce   int      `json:"at_once"`
		Seconds  float64  `json:"seconds"`
		Codes    []record `json:"codes"`
	}{len(job.Results), c.OK, c.NotFound, c.Failed, c.NotDone, job.AtOnce,
		math.Round(took.Seconds()*1000) / 1000, nil}
	for _, r := range job.Results {
		rec := record{
			Code:         r.Code,
			Status:       r.Status,
			File:         r.File,
			Milliseconds: math.Round(r.Took.Seconds()*1e4) / 10,
		}
		if r.Err != nil {
			rec.Error = r.reason()
		}
		all.Codes = append(all.Codes, rec)
	}
	return cli.WriteJSON(w, all)
}
