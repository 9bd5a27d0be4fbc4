package distributed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const oldestServer = "2.12"

// prepare makes the streams and buckets of the namespace. It blocks.
func (c *Client) prepare(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if v := c.nc.ConnectedServerVersion(); older(v, oldestServer) {
		return fmt.Errorf("%w: the server has version %s; use %s or newer",
			ErrUnavailable, v, oldestServer)
	}
	if c.js, err = jetstream.New(c.nc); err != nil {
		return err
	}
	if _, err := c.js.AccountInfo(ctx); err != nil {
		if errors.Is(err, jetstream.ErrJetStreamNotEnabled) ||
			errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
			return fmt.Errorf("%w: it has no JetStream; start it with -js", ErrUnavailable)
		}
		return err
	}
	if err := c.adopt(ctx); err != nil {
		return err
	}
	if c.existing {
		return c.join(ctx)
	}
	jobs, err := c.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: c.jobs(), Subjects: []string{c.lines(), c.space + ".later.*"},
		Retention: jetstream.WorkQueuePolicy, Duplicates: c.window, Replicas: c.replicas,
		AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true, AllowDirect: true,
	})
	if err != nil {
		return err
	}
	for _, p := range priorities {
		_, err := jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: c.consumer(p), FilterSubject: c.queue(p),
			AckPolicy: jetstream.AckExplicitPolicy,
			AckWait:   c.lease, MaxDeliver: -1, MaxAckPending: 1 << 20,
		})
		if err != nil {
			return err
		}
	}
	if err = c.dropAnchor(ctx); err != nil {
		return err
	}
	_, err = c.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: c.dead(), Subjects: []string{c.deadJobs()}, Replicas: c.replicas, AllowDirect: true,
	})
	if err != nil {
		return err
	}
	c.kv, err = c.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: c.outcomes(), History: 1, TTL: c.keep, Replicas: c.replicas,
	})
	if err != nil {
		return err
	}
	c.obj, err = c.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: c.payloads(), TTL: c.keep, Replicas: c.replicas,
	})
	return err
}

// adopt takes the options that were not set from the namespace. If there is none they get their
// defaults.
func (c *Client) adopt(ctx context.Context) error {
	s := settings{
		lease:    30 * time.Second,
		keep:     24 * time.Hour,
		window:   2 * time.Minute,
		replicas: 1,
	}
	jobs, err := c.js.Stream(ctx, c.jobs())
	if err == nil {
		has := jobs.CachedInfo().Config
		s.window, s.replicas = has.Duplicates, max(has.Replicas, 1)
		var line jetstream.Consumer
		if line, err = jobs.Consumer(ctx, c.consumer(Normal)); err == nil {
			s.lease = line.CachedInfo().Config.AckWait
		}
	}
	var outcomes jetstream.KeyValue
	if err == nil {
		outcomes, err = c.js.KeyValue(ctx, c.outcomes())
	}
	var status jetstream.KeyValueStatus
	if err == nil {
		status, err = outcomes.Status(ctx)
	}
	if err == nil {
		s.keep = status.TTL()
	} else if !isMissing(err) { // there may be a part of it, if its maker was killed
		return err
	}
	c.lease, c.keep = cmp.Or(c.lease, s.lease), cmp.Or(c.keep, s.keep)
	c.window, c.replicas = cmp.Or(c.window, s.window), cmp.Or(c.replicas, s.replicas)
	return nil
}

// isMissing reports whether a namespace is not there, or not wholly.
func isMissing(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrBucketNotFound)
}

// join finds what prepare has made.
func (c *Client) join(ctx context.Context) error {
	_, err := c.js.Stream(ctx, c.jobs())
	if err == nil {
		_, err = c.js.Stream(ctx, c.dead())
	}
	if err == nil {
		c.kv, err = c.js.KeyValue(ctx, c.outcomes())
	}
	if err == nil {
		c.obj, err = c.js.ObjectStore(ctx, c.payloads())
	}
	if isMissing(err) {
		return fmt.Errorf("%w: the broker has no namespace %q; a worker or submitter makes it",
			ErrUnavailable, c.namespace)
	}
	return err
}

// dropAnchor stores a message that stays in the stream of jobs. If the last message leaves a
// stream, the broker removes a file and makes a new one, which takes longer than a short job.
func (c *Client) dropAnchor(ctx context.Context) error {
	_, err := c.js.Publish(ctx, c.anchor(), nil, jetstream.WithExpectLastSequencePerSubject(0))
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return nil // it is there
	}
	return err
}

// older reports whether version a comes before b. Unknown forms do not.
func older(a, b string) bool {
	var ma, na, mb, nb int
	if n, _ := fmt.Sscanf(a, "%d.%d", &ma, &na); n != 2 {
		return false
	}
	fmt.Sscanf(b, "%d.%d", &mb, &nb)
	return ma < mb || ma == mb && na < nb
}
