package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// broker is one that keeps its records on the disk, so that it can be stopped and started again.
type broker struct {
	t       *testing.T
	cluster *kfake.Cluster
	dir     string
	port    int
}

func serve(t *testing.T) *broker {
	port := netip.MustParseAddrPort(looptest.FreeAddress(t)).Port()
	b := &broker{t: t, dir: t.TempDir(), port: int(port)}
	b.start()
	t.Cleanup(func() { b.cluster.Close() })
	return b
}

func (b *broker) start() {
	var err error
	b.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(b.port), kfake.DataDir(b.dir),
		kfake.SeedTopics(4, "numbers"), kfake.GroupMinSessionTimeout(time.Millisecond))
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *broker) seed() kgo.Opt { return kgo.SeedBrokers(fmt.Sprintf("127.0.0.1:%d", b.port)) }

func TestTheAccountIsExactThroughTheDeathOfTheBroker(t *testing.T) {
	b := serve(t)
	quick := []kgo.Opt{
		b.seed(), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
		kgo.SessionTimeout(2 * time.Second), kgo.HeartbeatInterval(50 * time.Millisecond), kgo.FetchMaxWait(50 * time.Millisecond),
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		p, err := NewProducer(64, b.seed())
		if err != nil {
			return err
		}
		defer p.Close(ctx)
		seen, again := map[int]bool{}, 0
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			member := func(ctx context.Context) error {
				backoff := aiter.Backoff{First: time.Millisecond, Max: 100 * time.Millisecond}
				for r, err := range aiter.Retry(ctx, backoff,
					func(ctx context.Context, _ int) iter.Seq2[*kgo.Record, error] {
						return Consume(ctx, "readers", "numbers", quick...)
					}) {
					if err != nil {
						return err
					}
					id, _ := strconv.Atoi(string(r.Value))
					if seen[id] {
						again++
					}
					seen[id] = true
				}
				return nil
			}
			members := []*aio.Task[aio.None]{g.Go(member), g.Go(member)}
			account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
				return p.Send(ctx, &kgo.Record{Topic: "numbers", Value: strconv.AppendInt(nil, int64(id), 10)})
			}, func(ctx context.Context) error {
				members[0].Cancel(nil) // the other one gets its partitions
				members[0] = g.Go(member)
				return aio.Blocking(ctx, func(context.Context) error {
					b.cluster.Close()
					b.start()
					return nil
				})
			})
			if err != nil {
				return err
			}
			missing := func() (n int) {
				for id := range account.Done {
					if !seen[id] {
						n++
					}
				}
				return n
			}
			for missing() > 0 {
				if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
					return fmt.Errorf("%w: records lost: %d", err, missing())
				}
			}
			for id := range seen {
				if !account.Done[id] && !account.Cancelled[id] {
					t.Errorf("record %d was never sent", id)
				}
			}
			for _, m := range members {
				m.Cancel(nil)
			}
			if _, err := aio.GatherSettled(ctx, members...); err != nil {
				return err
			}
			lag, err := lagOf(ctx, b)
			t.Log(account, "seen:", len(seen), "seen again:", again, "left:", lag)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lagOf returns how many records of the topic were not committed.
func lagOf(ctx context.Context, b *broker) (int64, error) {
	return aio.ToThread(ctx, func(ctx context.Context) (int64, error) {
		client, err := kgo.NewClient(b.seed())
		if err != nil {
			return 0, err
		}
		defer client.Close()
		lags, err := kadm.NewClient(client).Lag(ctx, "readers")
		if err != nil {
			return 0, err
		}
		lag := lags["readers"]
		return lag.Lag.Total(), lag.Error()
	})
}

func TestWhatTheLoopBodyHasFinishedIsCommittedAndTheRestComesAgain(t *testing.T) {
	b := serve(t)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		p, err := NewProducer(10, b.seed())
		if err != nil {
			return err
		}
		defer p.Close(ctx)
		for i := range 50 {
			r := &kgo.Record{Topic: "numbers", Key: []byte("same partition"), Value: fmt.Append(nil, i)}
			if err := p.Send(ctx, r); err != nil {
				return err
			}
		}
		next := 0
		for round := range 5 { // each leaves the loop at a record, which comes again
			n := 0
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				for r, err := range Consume(ctx, "readers", "numbers", b.seed(), kgo.FetchMaxWait(50*time.Millisecond)) {
					if err != nil {
						return err
					}
					if string(r.Value) != fmt.Sprint(next) {
						t.Errorf("round %d: record %s, expected %d", round, r.Value, next)
					}
					if n++; n == 10 {
						if round%2 == 0 {
							return nil
						}
						g.Cancel(errEnough)
						return aio.Yield(ctx)
					}
					next++
				}
				return nil
			})
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
		}
		lag, err := lagOf(ctx, b)
		if lag != int64(50-next) || next != 45 {
			t.Errorf("left: %d, next: %d", lag, next)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var errEnough = errors.New("enough")
