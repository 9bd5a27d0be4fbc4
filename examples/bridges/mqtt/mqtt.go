// Package mqtt lets tasks use paho.golang on connections of the loop: publish with every quality of
// service, subscriptions as sequences, a will, and a connection that is made again when it is lost.
package mqtt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// Client is an MQTT 5 client for the tasks of one loop.
type Client struct {
	cm   *autopaho.ConnectionManager
	loop *aio.Loop
	room *aiosync.Limiter // a token for each message on its way

	mu      sync.Mutex // guards the rest: paho calls back on its own goroutines
	filters map[string]*filter
	work    sync.WaitGroup // subscriptions that are made again
}

// filter is a subscription.
type filter struct {
	qos   byte
	takes map[*take]bool // of the sequences
}

// take hands a message to a sequence, and reports whether it has it.
type take = func(*paho.Publish) bool

// Dial connects to a server, and again whenever the connection is lost, until Close. For sessions
// that survive that, config needs a ClientID and a SessionExpiryInterval; the will is its
// WillMessage. Dial itself sets the callbacks for connections and messages.
//
// Cancellation: the client is closed.
func Dial(ctx context.Context, config autopaho.ClientConfig) (*Client, error) {
	c := &Client{
		loop: aio.RunningLoop(ctx), room: aiosync.NewLimiter(1_000), filters: map[string]*filter{},
	}
	free := context.WithoutCancel(ctx)
	config.AttemptConnection = func(
		attempt context.Context, config autopaho.ClientConfig, u *url.URL,
	) (net.Conn, error) {
		return aio.SubmitValue(attempt, c.loop, func(ctx context.Context) (net.Conn, error) {
			return connect(ctx, free, config, u)
		})
	}
	config.EnableManualAcknowledgment = true
	config.OnConnectionUp = func(_ *autopaho.ConnectionManager, ack *paho.Connack) {
		if !ack.SessionPresent {
			c.work.Go(c.resubscribe)
		}
	}
	config.OnPublishReceived = []func(paho.PublishReceived) (bool, error){c.received}
	var err error
	if c.cm, err = autopaho.NewConnection(free, config); err != nil {
		return nil, err
	}
	if err := aio.Blocking(ctx, c.cm.AwaitConnection, aio.Joined()); err != nil {
		return nil, errors.Join(err, c.Close(free))
	}
	return c, nil
}

// connect opens a connection of the loop for paho, which uses it on goroutines of its own.
func connect(
	ctx, free context.Context, config autopaho.ClientConfig, u *url.URL,
) (net.Conn, error) {
	var opts []transport.Option
	switch u.Scheme {
	case "mqtt", "tcp":
	case "mqtts", "tls", "ssl":
		opts = append(opts, transport.TLS(config.TlsCfg))
	default:
		return nil, fmt.Errorf("mqtt: the scheme %q is not known; use mqtt or mqtts", u.Scheme)
	}
	r, w, err := stream.Open(ctx, "tcp", u.Host, opts...)
	if err != nil {
		return nil, err
	}
	conn := stream.NetConn(free, r, w)
	// paho writes a packet in several pieces, from several goroutines.
	return packets.NewThreadSafeConn(&buffered{conn, bufio.NewReader(conn)}), nil
}

// buffered saves visits to the loop: paho reads the head of a packet byte by byte.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// Close says goodbye to the server, which then drops the will, and waits until the goroutines of
// the client have ended. It also does in a cancelled task. Call it in a defer.
func (c *Client) Close(ctx context.Context) error {
	return aio.Blocking(context.WithoutCancel(ctx), func(ctx context.Context) error {
		err := c.cm.Disconnect(ctx)
		<-c.cm.Done()
		c.work.Wait()
		return err
	})
}

// Publish sends a message. With QoS 1 or 2 it waits until the server has the message, at most
// PacketTimeout. After an error the message may arrive or not; if it is published again, it may
// arrive twice. At most 1,000 messages are on their way at a time; others wait in FIFO order.
//
// Cancellation: while it waits for its turn the message is not sent. Later Publish stops waiting at
// once, and the message goes on.
func (c *Client) Publish(ctx context.Context, m *paho.Publish) error {
	return aio.Blocking(ctx, func(ctx context.Context) error {
		_, err := c.cm.Publish(context.WithoutCancel(ctx), m)
		return err
	}, aio.LimitedBy(c.room))
}

// Subscribe is the sequence of the messages that match a filter. A message is acknowledged when the
// loop body has it. One that nobody has taken when the loop is left comes again with the next
// connection of the session. A slow loop body slows the server. subscribed, if not nil, is called
// on the loop when the server knows of the subscription. A lost connection does not end the
// sequence.
//
// Cancellation: the subscription ends.
func (c *Client) Subscribe(
	ctx context.Context, topics string, qos byte, subscribed func(),
) iter.Seq2[*paho.Publish, error] {
	return aiter.FromThread(
		ctx,
		0,
		func(ctx context.Context, yield func(*paho.Publish) bool) error {
			taker := take(yield)
			defer c.release(context.WithoutCancel(ctx), topics, &taker)
			if err := c.use(ctx, topics, qos, &taker); err != nil {
				return err
			}
			if subscribed != nil {
				_, _ = c.loop.CallSoonThreadsafe(subscribed)
			}
			<-ctx.Done()
			return context.Cause(ctx)
		},
	)
}

// received hands a message to all sequences that want it. It is acknowledged if one of them has it,
// and also if there is none: the server must not wait for messages to which nobody listens any
// more.
func (c *Client) received(r paho.PublishReceived) (bool, error) {
	var takers []*take
	c.mu.Lock()
	for topics, f := range c.filters {
		if Matches(topics, r.Packet.Topic) {
			takers = slices.AppendSeq(takers, maps.Keys(f.takes))
		}
	}
	c.mu.Unlock()
	taken := len(takers) == 0
	for _, t := range takers {
		taken = (*t)(r.Packet) || taken
	}
	if !taken {
		return true, nil
	}
	return true, r.Client.Ack(r.Packet)
}

// use makes a subscription, if there is no other sequence for it.
func (c *Client) use(ctx context.Context, topics string, qos byte, t *take) error {
	c.mu.Lock()
	f := c.filters[topics]
	if f == nil {
		f = &filter{takes: map[*take]bool{}}
		c.filters[topics] = f
	}
	known := len(f.takes) > 0 && f.qos >= qos
	f.takes[t] = true
	f.qos = max(f.qos, qos)
	c.mu.Unlock()
	if known {
		return nil
	}
	for {
		err := c.subscribe(ctx, topics, qos)
		if !errors.Is(err, autopaho.ConnectionDownError) {
			return err
		}
		if err := c.cm.AwaitConnection(ctx); err != nil {
			return err
		}
	}
}

func (c *Client) subscribe(ctx context.Context, topics string, qos byte) error {
	_, err := c.cm.Subscribe(ctx, &paho.Subscribe{
		Subscriptions: []paho.SubscribeOptions{{Topic: topics, QoS: qos}},
	})
	return err
}

// release ends a subscription with its last sequence.
func (c *Client) release(ctx context.Context, topics string, t *take) {
	c.mu.Lock()
	f := c.filters[topics]
	delete(f.takes, t)
	last := len(f.takes) == 0
	if last {
		delete(c.filters, topics)
	}
	c.mu.Unlock()
	if last { // an error says that the connection is lost
		_, _ = c.cm.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{topics}})
	}
}

// resubscribe tells a server that has lost the session of the subscriptions.
func (c *Client) resubscribe() {
	c.mu.Lock()
	all := map[string]byte{}
	for topics, f := range c.filters {
		all[topics] = f.qos
	}
	c.mu.Unlock()
	for topics, qos := range all { // if it fails the connection is lost, and it is done again
		_ = c.subscribe(context.Background(), topics, qos)
	}
}

// Matches reports whether a topic matches a filter, with the wildcards + and #.
func Matches(topics, topic string) bool {
	if shared, ok := strings.CutPrefix(topics, "$share/"); ok {
		_, topics, _ = strings.Cut(shared, "/")
	}
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(topics, "$") {
		return false // wildcards do not cover the server's own topics
	}
	for {
		want, moreWanted, last := strings.Cut(topics, "/")
		have, moreThere, more := strings.Cut(topic, "/")
		switch {
		case want == "#":
			return true
		case want != "+" && want != have:
			return false
		case !last || !more:
			return !more && (!last || moreWanted == "#")
		}
		topics, topic = moreWanted, moreThere
	}
}
