package distributed

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
)

// Option is an option of [Open] and [Connect]. [Lease], [Keep], [Window] and [Replicas] belong to
// the namespace: a client that does not set one leaves it as it is, and one that sets it changes it
// for all. Workers that run already go on extending their leases as before, so start them anew
// after the lease was made shorter.
type Option func(s *settings)

type settings struct {
	namespace string
	name      string
	lease     time.Duration // 0: as the namespace has it; so are the three below
	keep      time.Duration
	window    time.Duration
	replicas  int
	attempts  int
	backoff   func(attempt int) time.Duration
	max       int
	nats      []nats.Option
	inject    func(ctx context.Context, header Header)
	existing  bool
}

func defaults() settings {
	return settings{
		namespace: "aio",
		attempts:  3,
		backoff:   defaultBackoff,
		max:       64 << 20,
	}
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

func must(ok bool, op, problem string, args ...any) {
	if !ok {
		panic("distributed: " + op + ": " + fmt.Sprintf(problem, args...))
	}
}

// Namespace separates the jobs of several programs on one broker. It has at most 32 letters,
// digits, "_" and "-". Default: "aio".
func Namespace(name string) Option {
	must(validName.MatchString(name), "Namespace",
		"%q is no name; use 1 to 32 letters, digits, _ and -", name)
	return func(s *settings) { s.namespace = name }
}

// Existing joins a namespace without making or changing it, for tools that only look: the other
// options of the namespace do not matter then. If there is none, opening fails with
// [ErrUnavailable].
func Existing() Option { return func(s *settings) { s.existing = true } }

// Name is the name by which a worker appears in failures. Default: the host's name and the process
// number.
func Name(name string) Option { return func(s *settings) { s.name = name } }

// Lease is how long a job stays with a worker that gives no sign of life. Workers extend it three
// times in this span. Default: 30 seconds.
func Lease(d time.Duration) Option {
	must(d >= 100*time.Millisecond, "Lease", "%v is too short; use 100 ms or more", d)
	return func(s *settings) { s.lease = d }
}

// Keep is how long outcomes and large payloads are kept. Default: 24 hours.
func Keep(d time.Duration) Option {
	must(d >= time.Second, "Keep", "%v is too short; use 1 s or more", d)
	return func(s *settings) { s.keep = d }
}

// Window is how long the broker remembers the IDs of jobs: a second job with the same [Key] or ID
// in this span is the first one. Default: 2 minutes.
func Window(d time.Duration) Option {
	must(d >= time.Second, "Window", "%v is too short; use 1 s or more", d)
	return func(s *settings) { s.window = d }
}

// Attempts is how often a job is run that fails or whose worker is lost. Default: 3.
func Attempts(n int) Option {
	must(n >= 1, "Attempts", "the number is %d; use 1 or more", n)
	return func(s *settings) { s.attempts = n }
}

// Backoff says how long to wait after the given attempt, which counts from 1, has failed. A job
// whose worker was lost does not wait. Default: 1 s, 4 s, 16 s and so on, at most 10 minutes.
func Backoff(fn func(attempt int) time.Duration) Option {
	must(fn != nil, "Backoff", "the function is nil; pass one")
	return func(s *settings) { s.backoff = fn }
}

func defaultBackoff(attempt int) time.Duration {
	d := time.Second
	for range attempt - 1 {
		if d *= 4; d >= 10*time.Minute {
			return 10 * time.Minute
		}
	}
	return d
}

// MaxPayload is the size of an argument or a result, in bytes. What is larger than the broker's
// messages goes through its object store. Default: 64 MiB.
func MaxPayload(n int) Option {
	must(n >= 1, "MaxPayload", "the size is %d; use 1 or more", n)
	return func(s *settings) { s.max = n }
}

// Replicas is on how many servers of a cluster everything is stored. Default: 1.
func Replicas(n int) Option {
	must(n >= 1 && n <= 5, "Replicas", "the number is %d; use 1 to 5", n)
	return func(s *settings) { s.replicas = n }
}

// NATS passes options of the connection on, such as credentials and TLS.
func NATS(opts ...nats.Option) Option {
	return func(s *settings) { s.nats = append(s.nats, opts...) }
}

// Header holds the header fields of a job that travel from its submitter to its worker.
type Header = nats.Header

// Inject is called for each job that is submitted, and may add fields to its header: the context of
// a trace, for instance. The worker's side is [Extract]. Default: none.
func Inject(fn func(ctx context.Context, header Header)) Option {
	must(fn != nil, "Inject", "the function is nil; pass one")
	return func(s *settings) { s.inject = fn }
}
