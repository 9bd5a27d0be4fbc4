package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"syscall"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/transport"
)

// result is what is known about a domain.
type result struct {
	domain string
	found  bool
	err    error // why that is not known
	took   time.Duration
}

// lookup asks whether a domain has an address.
type lookup = func(ctx context.Context, domain string) (bool, error)

// prober asks for domains.
type prober struct {
	lookup  lookup
	limit   int           // how many at the same time
	timeout time.Duration // for each
}

// probe asks for one domain. Its error is only that of a cancellation.
func (p *prober) probe(ctx context.Context, domain string) (result, error) {
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	found, err := aio.WaitFor(ctx, p.timeout, func(ctx context.Context) (bool, error) {
		return p.lookup(ctx, domain)
	})
	if errors.Is(err, aio.ErrCancelled) {
		return result{}, err
	}
	return result{domain, found, err, clock.Time().Sub(began)}, nil
}

// multiProbe asks for many domains and yields the answers as they come. It is a generator: its body
// waits for answers, and the body of the loop over it may wait, too. When the loop is left early
// the questions that are still open are given up; none is left when multiProbe has returned.
func (p *prober) multiProbe(ctx context.Context, domains []string) iter.Seq2[result, error] {
	return func(yield func(result, error) bool) {
		left := errors.New("nobody wants more answers")
		stopped := false
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			semaphore := aiosync.NewSemaphore(p.limit)
			var probes []*aio.Task[result]
			for _, domain := range domains {
				probes = append(probes, aio.GoValue(g, func(ctx context.Context) (result, error) {
					if err := semaphore.Acquire(ctx); err != nil {
						return result{}, err
					}
					defer semaphore.Release()
					return p.probe(ctx, domain)
				}, aio.Name(domain)))
			}
			for probe, err := range aio.AsCompleted(ctx, probes...) {
				if err != nil {
					return err
				}
				r, err := probe.Result()
				if err != nil {
					return err
				}
				if !yield(r, nil) {
					stopped = true
					g.Cancel(left)
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(result{}, err)
		}
	}
}

// systemLookup asks as every program on this machine does.
func systemLookup(ctx context.Context, domain string) (bool, error) {
	addrs, err := transport.NetworkFrom(ctx).LookupHost(ctx, domain)
	return answer(len(addrs), err)
}

// lookupAt returns a lookup that asks the name server at an address.
func lookupAt(server string) lookup {
	resolver := &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, server)
			if err == nil {
				// A question whose answer is not needed any more is not waited for.
				context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		},
	}
	return func(ctx context.Context, domain string) (bool, error) {
		// The resolver blocks, so it has a goroutine of its own for each question. The dot keeps it
		// from trying the name under the domains of this machine.
		addrs, err := aio.ToThread(ctx, func(ctx context.Context) ([]net.IPAddr, error) {
			addrs, err := resolver.LookupIPAddr(ctx, domain+".")
			if err != nil && ctx.Err() != nil {
				err = ctx.Err() // the resolver's error does not match it
			}
			return addrs, err
		})
		return answer(len(addrs), err)
	}
}

// answer turns the result of a resolver into an answer. That there is no such name is an answer,
// too.
func answer(addrs int, err error) (bool, error) {
	if unknown, ok := errors.AsType[*net.DNSError](err); ok && unknown.IsNotFound {
		return false, nil
	}
	return err == nil && addrs > 0, err
}

// reason says in plain words why there is no answer.
func reason(err error) string {
	if late, ok := errors.AsType[*aio.TimeoutError](err); ok {
		return fmt.Sprintf("no answer within %v", late.After)
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "nothing listens at the address of the name server"
	}
	if failed, ok := errors.AsType[*net.DNSError](err); ok {
		if failed.IsTimeout {
			return "the name server does not answer"
		}
		return cli.Printable(failed.Err)
	}
	return cli.Line(err)
}
