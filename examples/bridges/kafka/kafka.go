// Package kafka lets tasks use franz-go: a producer that holds tasks back while the broker is slow,
// and a consumer group as a sequence that commits what the loop body has finished.
package kafka

import (
	"context"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// Producer sends records for the tasks of one loop.
type Producer struct {
	client *kgo.Client
	room   *aiosync.Limiter
}

// NewProducer makes a producer with at most n records on their way. It connects when it is used.
func NewProducer(n int, opts ...kgo.Opt) (*Producer, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.MaxBufferedRecords(n)}, opts...)...)
	if err != nil {
		return nil, err
	}
	return &Producer{client, aiosync.NewLimiter(n)}, nil
}

// Send sends a record and waits until the broker has stored it. With n records on their way it
// waits for room first. franz-go sends records again while the broker is away.
//
// Cancellation: while it waits for room the record is not sent. Later Send stops waiting at once,
// and the record goes on: it keeps its place until the broker has stored it.
func (p *Producer) Send(ctx context.Context, r *kgo.Record) error {
	return aio.Blocking(ctx, func(ctx context.Context) error {
		// A record whose context ends takes others of its batch with it, which are not cancelled.
		return p.client.ProduceSync(context.WithoutCancel(ctx), r).FirstErr()
	}, aio.LimitedBy(p.room))
}

// Close waits for the records under way and closes the connections, also in a cancelled task. Call
// it in a defer.
func (p *Producer) Close(ctx context.Context) error {
	return aio.Blocking(context.WithoutCancel(ctx), func(ctx context.Context) error {
		err := p.client.Flush(ctx)
		p.client.Close()
		return err
	})
}

// Most records that are fetched at a time, and how long a commit may take when the loop is left.
const (
	batch     = 100
	lastWords = 5 * time.Second
)

// Consume is the sequence of the records of a topic, as a member of a group. A record is done when
// the loop body asks for the next one. What is done is committed after each batch of at most 100,
// and when the loop is left. The record at which it is left, in any way, is not done: it comes
// again, to this member or another one. So a body may see a record twice, and none is lost.
// Partitions go to other members between two batches only.
//
// Cancellation: what is done is committed, and the group is left.
func Consume(
	ctx context.Context, group, topic string, opts ...kgo.Opt,
) iter.Seq2[*kgo.Record, error] {
	return func(yield func(*kgo.Record, error) bool) {
		client, err := kgo.NewClient(append([]kgo.Opt{
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
			kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		}, opts...)...)
		if err != nil {
			yield(nil, err)
			return
		}
		var done []*kgo.Record
		defer func() {
			_ = aio.Blocking(context.WithoutCancel(ctx), func(ctx context.Context) error {
				defer client.CloseAllowingRebalance()
				ctx, cancel := context.WithTimeout(ctx, lastWords)
				defer cancel()
				return client.CommitRecords(ctx, done...) // if it fails they come again
			})
		}()
		for {
			records, err := aio.ToThread(ctx, func(ctx context.Context) ([]*kgo.Record, error) {
				client.AllowRebalance()
				fetched := client.PollRecords(ctx, batch)
				return fetched.Records(), fetched.Err()
			}, aio.Joined())
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
				done = append(done, r)
			}
			err = aio.Blocking(ctx, func(ctx context.Context) error {
				return client.CommitRecords(ctx, done...)
			}, aio.Joined())
			if err != nil {
				yield(nil, err)
				return
			}
			done = nil
		}
	}
}
