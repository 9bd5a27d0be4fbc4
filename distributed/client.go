package distributed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Client is a connection to a broker, and an executor. See the package's documentation for what is
// promised.
type Client struct {
	settings
	names
	loop   *aio.Loop
	owner  string // of the IDs of its jobs
	nc     *nats.Conn
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	obj    jetstream.ObjectStore
	server *server.Server // nil: elsewhere

	// The loop must not ask the connection, which may block it.
	online  atomic.Bool // the connection is there
	largest int         // message that the server takes
	feeds   map[*feed]struct{}

	out     *outbox
	replies replies
	clock   clock
	pending map[string]*pending // by ID: jobs with an outcome to come
	ends    []func()            // end the goroutines that read from the broker
	writes  uint64              // of records
	count   Counts
	closed  bool
	unhook  func()
}

// Counts are of one client, since it was opened.
type Counts struct {
	Submitted int // jobs that the broker has accepted
	Waiting   int // jobs whose outcome a task waits for
	Outcomes  int // that have arrived
}

// Connect opens a client of a NATS server, version 2.12 or newer, with JetStream. Several URLs of
// one cluster are separated by commas. It makes what the namespace needs on the broker. The errors
// are those of package nats; a broker without JetStream, or one that is too old, is an error that
// wraps [ErrUnavailable]. Loop only.
//
// Cancellation: nothing is left of the connection.
func Connect(ctx context.Context, urls string, opts ...Option) (*Client, error) {
	return open(ctx, opts, func(s *settings) (*nats.Conn, *server.Server, error) {
		nc, err := nats.Connect(urls, s.nats...)
		if err != nil {
			err = unconnected(urls, err)
		}
		return nc, nil, err
	})
}

// Open opens a client of a broker in this process, see [Embedded].
func Open(ctx context.Context, b Broker, opts ...Option) (*Client, error) {
	return open(ctx, opts, func(s *settings) (*nats.Conn, *server.Server, error) {
		srv, err := b.start()
		if err != nil {
			return nil, nil, err
		}
		own := append(s.nats, nats.InProcessServer(srv))
		if b.token != "" {
			own = append(own, nats.Token(b.token))
		}
		nc, err := nats.Connect("", own...)
		return nc, srv, err
	})
}

func open(
	ctx context.Context, opts []Option, dial func(s *settings) (*nats.Conn, *server.Server, error),
) (*Client, error) {
	c := &Client{settings: defaults(), loop: aio.RunningLoop(ctx), pending: map[string]*pending{},
		feeds: map[*feed]struct{}{}}
	for _, o := range opts {
		o(&c.settings)
	}
	c.names = names{c.namespace}
	c.owner = rand.Text()[:10]
	if c.name == "" {
		host, _ := os.Hostname()
		c.name = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	c.settings.nats = append(append([]nats.Option{
		nats.Name("aio " + c.name),
		nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectBufSize(32 << 20), nats.Timeout(5 * time.Second),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
	}, c.settings.nats...), c.watchConnection)
	_, err := aio.ToThread(context.WithoutCancel(ctx), func(ctx context.Context) (aio.None, error) {
		var err error
		if c.nc, c.server, err = dial(&c.settings); err == nil {
			c.largest = int(c.nc.MaxPayload())
			c.online.Store(true)
			err = c.prepare(ctx)
		}
		if err != nil {
			c.disconnect()
		}
		return aio.None{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("distributed: %w", err)
	}
	c.out = newOutbox(c.nc)
	if err = c.subscribe(ctx); err == nil {
		err = c.lookAtClock(ctx)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.unhook = c.loop.OnClose(c.Close)
	return c, nil
}

// unconnected says where a connection failed, and what may help.
func unconnected(urls string, err error) error {
	var at []string
	for _, u := range strings.Split(urls, ",") {
		at = append(at, safetext.URL(strings.TrimSpace(u)))
	}
	remedy := ""
	switch {
	case errors.Is(err, nats.ErrNoServers):
		remedy = "; start the broker first, Connect does not wait for it"
	case errors.Is(err, nats.ErrAuthorization):
		remedy = "; put the token into the URL, nats://TOKEN@HOST, or pass credentials by NATS"
	}
	return fmt.Errorf("%s: %w%s", strings.Join(at, ", "), err, remedy)
}

// watchConnection is an option of the connection. It keeps the user's handlers.
func (c *Client) watchConnection(o *nats.Options) error {
	lost, back := o.DisconnectedErrCB, o.ReconnectedCB
	o.DisconnectedErrCB = func(nc *nats.Conn, err error) {
		c.online.Store(false)
		if err != nil { // not the end of the client
			slog.Warn("distributed: the connection to the broker is lost", "error", err)
		}
		if lost != nil {
			lost(nc, err)
		}
	}
	o.ReconnectedCB = func(nc *nats.Conn) {
		c.online.Store(true)
		slog.Info("distributed: the connection to the broker is back")
		c.post(func() {
			for f := range c.feeds {
				f.reconnected()
			}
		})
		if back != nil {
			back(nc)
		}
	}
	return nil
}

// subscribe makes the broker send answers, outcomes and reports to this client.
func (c *Client) subscribe(ctx context.Context) error {
	c.replies.init(c)
	for subject, take := range map[string]func(m *nats.Msg){
		c.replies.inbox + "*":      c.replies.take,
		c.progress(c.owner + ".*"): c.report,
	} {
		end, err := c.listen(subject, func(m *nats.Msg) { c.post(func() { take(m) }) })
		if err != nil {
			return err
		}
		c.ends = append(c.ends, end)
	}
	end, err := c.watch(ctx, c.owner+".*")
	if err == nil {
		c.ends = append(c.ends, end)
	}
	return err
}

// listen subscribes to a subject of the connection until end. fn is called on a goroutine of the
// connection.
func (c *Client) listen(subject string, fn func(m *nats.Msg)) (end func(), err error) {
	sub, err := c.nc.Subscribe(subject, fn)
	if err != nil {
		return nil, brokerErr(err)
	}
	sub.SetPendingLimits(-1, 256<<20)
	return func() { sub.Unsubscribe() }, nil
}

// post calls fn on the loop.
func (c *Client) post(fn func()) { c.loop.CallSoonThreadsafe(fn) }

// watch lets the outcomes of keys arrive. Outcomes that are there already arrive, too.
func (c *Client) watch(ctx context.Context, keys string) (end func(), err error) {
	watching, cancel := context.WithCancel(context.Background()) // a goroutine waits for its end
	w, err := aio.ToThread(ctx, func(ctx context.Context) (jetstream.KeyWatcher, error) {
		return c.kv.Watch(watching, keys)
	})
	if err != nil {
		cancel()
		return nil, brokerErr(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for entry := range w.Updates() {
			if entry == nil || entry.Operation() != jetstream.KeyValuePut {
				continue
			}
			c.post(func() { c.arrived(entry.Key(), entry.Value()) })
		}
	}()
	return func() {
		cancel()
		w.Stop()
		<-ended
	}, nil
}

// Close ends the connection, and the broker if it is embedded. Jobs that were submitted stay with
// the broker; tasks that wait for their outcomes get [ErrClosed]. A second Close does nothing.
// It blocks for up to a few seconds while what was queued is sent. Loop only.
func (c *Client) Close() {
	if c.closed {
		return
	}
	c.closed = true
	if c.unhook != nil {
		c.unhook()
	}
	for _, p := range c.pending {
		p.outcome.SetError(ErrClosed)
	}
	clear(c.pending)
	c.replies.fail(ErrClosed)
	for f := range c.feeds {
		f.wake()
	}
	if c.out != nil {
		c.out.close(2 * time.Second)
		if c.nc.IsConnected() {
			c.nc.FlushTimeout(2 * time.Second)
		}
	}
	if c.nc != nil {
		c.nc.Close() // so that what follows asks nobody
	}
	for _, end := range c.ends {
		end()
	}
	c.disconnect()
}

func (c *Client) disconnect() {
	if c.nc != nil {
		c.nc.Close()
	}
	if c.server != nil {
		c.server.Shutdown()
		c.server.WaitForShutdown()
	}
}

// Counts returns the counts of this client. Loop only.
func (c *Client) Counts() Counts {
	n := c.count
	n.Waiting = len(c.pending)
	return n
}

// URL returns the address of the broker for other programs, "" if it takes no connections. It has
// no secret in it: a token goes in front of the host, nats://TOKEN@HOST.
func (c *Client) URL() string {
	if c.server == nil {
		return strings.Join(c.nc.Servers(), ",")
	}
	if a, ok := c.server.Addr().(interface{ String() string }); ok && c.server.Addr() != nil {
		return "nats://" + a.String()
	}
	return ""
}

// String shows the namespace and the number of jobs under way.
func (c *Client) String() string {
	return fmt.Sprintf("<distributed.Client %s, %d waiting>", c.space, len(c.pending))
}
