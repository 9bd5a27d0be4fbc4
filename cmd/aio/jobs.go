package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/nats-io/nats.go"
)

// broker says where the jobs are.
type broker struct{ url, creds, namespace string }

func (b *broker) flags(f *flag.FlagSet) {
	f.StringVar(&b.url, "nats", cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL), "")
	f.StringVar(&b.creds, "creds", "", "")
	f.StringVar(&b.namespace, "namespace", "aio", "")
}

// options are those of a client that only looks.
func (b *broker) options() (opts []distributed.Option, err error) {
	defer func() {
		if v := recover(); v != nil { // the name is no name
			err = misuse("-namespace %q: use 1 to 32 letters, digits, _ and -", b.namespace)
		}
	}()
	opts = []distributed.Option{distributed.Existing(), distributed.Namespace(b.namespace)}
	if b.creds != "" {
		opts = append(opts, distributed.NATS(nats.UserCredentials(b.creds)))
	}
	return opts, nil
}

// jobs does the commands on jobs.
func (c *command) jobs(ctx context.Context) error {
	opts, err := c.broker.options()
	if err != nil {
		return err
	}
	what, id := "", ""
	if len(c.args) > 0 {
		what = c.args[0]
	}
	if len(c.args) > 1 {
		id = c.args[1]
	}
	var do func(ctx context.Context, client *distributed.Client) error
	switch named := id != ""; {
	case what == "" && !named:
		do = c.countJobs
	case what == "dead" && !named:
		do = c.deadJobs
	case what == "watch" && !named:
		do = c.watchJobs
	case what == "retry" && named:
		do = c.eachDead(id, "given its attempts again", (*distributed.Client).Retry)
	case what == "drop" && named:
		do = c.eachDead(id, "removed", (*distributed.Client).Drop)
	default:
		return misuse("jobs takes dead, watch, retry ID|all or drop ID|all")
	}
	err = aio.Run(ctx, func(ctx context.Context) error {
		client, err := distributed.Connect(ctx, c.broker.url, opts...)
		if err != nil {
			return err
		}
		defer client.Close()
		return do(ctx, client)
	})
	if errors.Is(err, context.Canceled) && what == "watch" { // Ctrl-C is how it ends
		return nil
	}
	return err
}

func (c *command) countJobs(ctx context.Context, client *distributed.Client) error {
	s, err := client.Stats(ctx)
	if err != nil {
		return err
	}
	high, normal, low := s.Waiting[distributed.High], s.Waiting[distributed.Normal],
		s.Waiting[distributed.Low]
	if c.json {
		return json.NewEncoder(c.out).Encode(map[string]any{
			"namespace": c.broker.namespace,
			"waiting":   map[string]int{"high": high, "normal": normal, "low": low},
			"running":   s.Running, "retried": s.Retried, "later": s.Later, "dead": s.Dead,
			"bytes": s.Bytes,
		})
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "waiting\t%d\thigh %d, normal %d, low %d\n", high+normal+low, high, normal, low)
	fmt.Fprintf(w, "running\t%d\tor waiting for another attempt\n", s.Running)
	fmt.Fprintf(w, "  retried\t%d\n", s.Retried)
	fmt.Fprintf(w, "not due\t%d\n", s.Later)
	fmt.Fprintf(w, "dead\t%d\n", s.Dead)
	return w.Flush()
}

// deadJob is a dead job as JSON.
type deadJob struct {
	ID       string                `json:"id"`
	Name     string                `json:"name"`
	At       time.Time             `json:"at"`
	Bytes    int                   `json:"bytes"` // of the argument
	Failures []distributed.Failure `json:"failures"`
}

func (c *command) deadJobs(ctx context.Context, client *distributed.Client) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if !c.json {
		fmt.Fprintf(w, "ID\tFUNCTION\tSINCE\tATTEMPTS\tLAST ERROR\n")
	}
	n := 0
	for d, err := range client.Dead(ctx) {
		if err != nil {
			return err
		}
		if n++; c.n > 0 && n > c.n {
			break
		}
		if c.json {
			job := deadJob{d.ID, d.Name, d.At, len(d.Args), d.Failures}
			if err := json.NewEncoder(c.out).Encode(job); err != nil {
				return err
			}
			continue
		}
		attempts, last := 0, ""
		if k := len(d.Failures); k > 0 {
			attempts = d.Failures[k-1].Attempt
			last = cmp.Or(d.Failures[k-1].Error, "its worker was lost")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", safetext.Line(d.ID), safetext.Line(d.Name),
			d.At.Local().Format(time.DateTime), attempts, safetext.Cut(last, 80))
	}
	return w.Flush()
}

// eachDead does something with one dead job or all of them.
func (c *command) eachDead(
	id, done string, do func(*distributed.Client, context.Context, distributed.DeadJob) error,
) func(ctx context.Context, client *distributed.Client) error {
	return func(ctx context.Context, client *distributed.Client) error {
		n := 0
		for d, err := range client.Dead(ctx) {
			switch {
			case err != nil:
				return err
			case id != "all" && id != d.ID:
				continue
			}
			if err := do(client, ctx, d); err != nil {
				return err
			}
			if n++; id != "all" {
				break
			}
		}
		switch {
		case n == 0 && id != "all":
			return &problem{missing, fmt.Sprintf("there is no dead job %q", safetext.Line(id))}
		case c.json:
			return json.NewEncoder(c.out).Encode(map[string]int{"jobs": n})
		}
		_, err := fmt.Fprintf(c.out, "%d %s\n", n, done)
		return err
	}
}

func (c *command) watchJobs(ctx context.Context, client *distributed.Client) error {
	for e, err := range client.Events(ctx) {
		if err != nil {
			return err
		}
		if c.json {
			err = json.NewEncoder(c.out).Encode(e)
		} else {
			_, err = fmt.Fprintf(c.out, "%s  %-14s %s %s %s %s\n",
				time.Now().Format(time.TimeOnly), e.Kind, safetext.Line(e.Worker),
				safetext.Line(e.Name), safetext.Line(e.ID), safetext.Cut(e.Error, 120))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
