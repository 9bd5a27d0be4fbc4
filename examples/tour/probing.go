package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/transport"
)

// The names that are looked up, by a network that knows them and nothing else. The program domains
// asks the real one.
var domains = []string{"python.org", "rust-lang.org", "golang.org", "no-lang.invalid"}

type names map[string]time.Duration // those that there are, and how long the answer takes

var known = names{
	"golang.org":    10 * time.Millisecond,
	"python.org":    20 * time.Millisecond,
	"rust-lang.org": 40 * time.Millisecond,
}

// nameServer is a network of which only the look-up is needed.
type nameServer struct {
	transport.Network
	names names
}

func (n nameServer) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	delay, found := n.names[host]
	if !found {
		delay = 30 * time.Millisecond
	}
	if err := aio.Sleep(ctx, delay); err != nil {
		return nil, err
	}
	if !found {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.IPv6Loopback()}, nil
}

// withNames is a context whose look-ups ask only for these names.
func withNames(ctx context.Context) context.Context {
	return transport.WithNetwork(ctx, nameServer{transport.NetworkFrom(ctx), known})
}

// result is what a look-up says of a name.
type result struct {
	domain string
	found  bool
}

func (r result) String() string {
	return fmt.Sprintf("Result(domain='%s', found=%s)", r.domain, truth(r.found))
}

// probe looks a name up.
func probe(ctx context.Context, domain string) (result, error) {
	var failed *net.DNSError
	switch _, err := transport.NetworkFrom(ctx).LookupHost(ctx, domain); {
	case errors.As(err, &failed):
		return result{domain, false}, nil
	case err != nil:
		return result{}, err
	}
	return result{domain, true}, nil
}

// multiProbe looks all of them up at the same time. The results come as they are there.
func multiProbe(ctx context.Context, domains []string) iter.Seq2[result, error] {
	return aiter.MapUnordered(ctx, aiter.FromSlice(domains), len(domains), probe)
}

// onlyFound is a generator of a generator.
func onlyFound(ctx context.Context, s *show) error {
	ctx = s.withNames(ctx)
	found := aiter.Filter(ctx, multiProbe(ctx, domains),
		func(_ context.Context, r result) (bool, error) { return r.found, nil })
	for r, err := range found {
		if err != nil {
			return err
		}
		s.println(r.domain)
	}
	return nil
}

// inOrder has the results in the order of the names, at the same time and one after the other.
func inOrder(ctx context.Context, s *show) error {
	ctx = s.withNames(ctx)
	sorted := slices.Sorted(slices.Values(domains))

	var coros []aio.Func[result]
	for _, name := range sorted {
		coros = append(coros, aio.Bind(probe, name))
	}
	together, err := aio.All(ctx, coros...)
	if err != nil {
		return err
	}
	s.printf("[%s]\n", joined(together, ",\n"))

	inTurn, err := aiter.Collect(aiter.Map(ctx, aiter.FromSlice(sorted), probe))
	if err != nil {
		return err
	}
	s.printf("[%s]\n", joined(inTurn, ",\n"))
	return nil
}

func joined(results []result, separator string) string {
	var texts []string
	for _, r := range results {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, separator)
}

// asDict collects a sequence as a map.
func asDict(ctx context.Context, s *show) error {
	ctx = s.withNames(ctx)
	found, err := aiter.CollectMap(multiProbe(ctx, domains), func(r result) (string, bool) {
		return r.domain, r.found
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(found)) { // maps have no order
		s.printf("%s: %s\n", name, truth(found[name]))
	}
	return nil
}

// asSet collects the names that are found, one after the other.
func asSet(ctx context.Context, s *show) error {
	ctx = s.withNames(ctx)
	found, err := aiter.CollectSet(aiter.Filter(ctx, aiter.FromSlice(domains),
		func(ctx context.Context, name string) (bool, error) {
			r, err := probe(ctx, name)
			return r.found, err
		}))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		s.println(name)
	}
	return nil
}
