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
	if c.existing {
		return c.join(ctx)
	}
	// A client that sets no option changes nothing: another one may be setting some just now.
	given := c.settings
	update := given.lease != 0 || given.keep != 0 || given.window != 0 || given.replicas != 0
	if err := c.adopt(ctx, given); err != nil {
		return err
	}
	if err := c.make(ctx, update); err != nil {
		return err
	}
	return c.adopt(ctx, given) // another one may have made it meanwhile
}

// make makes the streams and buckets that are missing. Those that are there get the options of this
// client if update is set.
func (c *Client) make(ctx context.Context, update bool) error {
	jobs, err := created(ctx, update, jetstream.StreamConfig{
		Name: c.jobs(), Subjects: []string{c.lines(), c.space + ".later.*"},
		Retention: jetstream.WorkQueuePolicy, Duplicates: c.window, Replicas: c.replicas,
		AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true, AllowDirect: true,
	}, c.js.CreateStream, c.js.CreateOrUpdateStream, c.jobs(), c.js.Stream)
	if err != nil {
		return err
	}
	for _, p := range priorities {
		_, err := created(ctx, update, jetstream.ConsumerConfig{
			Durable: c.consumer(p), FilterSubject: c.queue(p),
			AckPolicy: jetstream.AckExplicitPolicy,
			AckWait:   c.lease, MaxDeliver: -1, MaxAckPending: 1 << 20,
		}, jobs.CreateConsumer, jobs.CreateOrUpdateConsumer, c.consumer(p), jobs.Consumer)
		if err != nil {
			return err
		}
	}
	if err = c.dropAnchor(ctx); err != nil {
		return err
	}
	_, err = created(ctx, update, jetstream.StreamConfig{
		Name: c.dead(), Subjects: []string{c.deadJobs()}, Replicas: c.replicas, AllowDirect: true,
	}, c.js.CreateStream, c.js.CreateOrUpdateStream, c.dead(), c.js.Stream)
	if err != nil {
		return err
	}
	c.kv, err = created(ctx, update, jetstream.KeyValueConfig{
		Bucket: c.outcomes(), History: 1, TTL: c.keep, Replicas: c.replicas,
	}, c.js.CreateKeyValue, c.js.CreateOrUpdateKeyValue, c.outcomes(), c.js.KeyValue)
	if err != nil {
		return err
	}
	c.obj, err = created(ctx, update, jetstream.ObjectStoreConfig{
		Bucket: c.payloads(), TTL: c.keep, Replicas: c.replicas,
	}, c.js.CreateObjectStore, c.js.CreateOrUpdateObjectStore, c.payloads(), c.js.ObjectStore)
	return err
}

// created makes something on the broker. If it is there already it is updated, or found.
func created[C, T any](
	ctx context.Context, update bool, config C,
	create, createOrUpdate func(ctx context.Context, config C) (T, error),
	name string, find func(ctx context.Context, name string) (T, error),
) (T, error) {
	if update {
		return createOrUpdate(ctx, config)
	}
	x, err := create(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) ||
		errors.Is(err, jetstream.ErrConsumerExists) || errors.Is(err, jetstream.ErrBucketExists) {
		return find(ctx, name)
	}
	return x, err
}

// adopt takes the options that were not given from the namespace. If there is none they get their
// defaults.
func (c *Client) adopt(ctx context.Context, given settings) error {
	s := settings{
		lease:    30 * time.Second,
		keep:     24 * time.Hour,
		window:   2 * time.Minute,
		replicas: 1,
	}
	if err := c.readOptions(ctx, &s); err != nil && !isMissing(err) { // a part may be missing
		return err
	}
	c.lease, c.keep = cmp.Or(given.lease, s.lease), cmp.Or(given.keep, s.keep)
	c.window, c.replicas = cmp.Or(given.window, s.window), cmp.Or(given.replicas, s.replicas)
	return nil
}

// readOptions reads the options of the namespace into s, as far as there is one.
func (c *Client) readOptions(ctx context.Context, s *settings) error {
	jobs, err := c.js.Stream(ctx, c.jobs())
	if err != nil {
		return err
	}
	has := jobs.CachedInfo().Config
	s.window, s.replicas = has.Duplicates, max(has.Replicas, 1)
	line, err := jobs.Consumer(ctx, c.consumer(Normal))
	if err != nil {
		return err
	}
	s.lease = line.CachedInfo().Config.AckWait
	outcomes, err := c.js.KeyValue(ctx, c.outcomes())
	if err != nil {
		return err
	}
	status, err := outcomes.Status(ctx)
	if err == nil {
		s.keep = status.TTL()
	}
	return err
}

// isMissing reports whether a namespace is not there, or not wholly.
func isMissing(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrBucketNotFound)
}

// join finds what prepare has made.
func (c *Client) join(ctx context.Context) error {
	err := c.readOptions(ctx, &c.settings)
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
