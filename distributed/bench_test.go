package distributed_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How many jobs are under way at a time, and how many a worker runs.
const (
	underWay = 256
	atOnce   = 64
)

func benchServer(b *testing.B) string {
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true,
		StoreDir: b.TempDir(), NoSigs: true, NoLog: true}
	s, err := server.NewServer(o)
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		b.Fatal("the server is not ready")
	}
	b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s.ClientURL()
}

// BenchmarkJobs is one job: submitted, run by a worker, its outcome stored and awaited.
func BenchmarkJobs(b *testing.B) {
	url := benchServer(b)
	err := aio.Run(b.Context(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			c, err := distributed.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer c.Close()
			w, err := distributed.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer w.Close()
			g.Go(func(ctx context.Context) error {
				return distributed.Work(ctx, w, distributed.Concurrency(atOnce))
			})
			numbers := make([]int, b.N)
			b.ResetTimer()
			_, err = aio.Map(executor.With(ctx, c), numbers, square.Run, aio.Limit(underWay))
			b.StopTimer()
			g.Cancel(nil)
			return err
		})
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkByHand is the same work with package nats.go alone: a work queue, a consumer with a
// callback, a bucket for the results and a watcher.
func BenchmarkByHand(b *testing.B) { byHand(b, underWay) }

// BenchmarkAwaitByHand is BenchmarkAwait with package nats.go alone.
func BenchmarkAwaitByHand(b *testing.B) { byHand(b, 1) }

func byHand(b *testing.B, underWay int) {
	ctx := b.Context()
	url := benchServer(b)
	connect := func() (*nats.Conn, jetstream.JetStream) {
		nc, err := nats.Connect(url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		if err != nil {
			b.Fatal(err)
		}
		return nc, js
	}
	_, js := connect()
	_, work := connect()
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "jobs",
		Subjects: []string{"job"}, Retention: jetstream.WorkQueuePolicy})
	if err != nil {
		b.Fatal(err)
	}
	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "results", TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "w",
		AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		b.Fatal(err)
	}
	cons, err := work.Consumer(ctx, "jobs", "w")
	if err != nil {
		b.Fatal(err)
	}
	places := make(chan struct{}, atOnce)
	consuming, err := cons.Consume(func(m jetstream.Msg) {
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			n, _ := strconv.Atoi(string(m.Data()))
			out := nats.NewMsg("$KV.results." + m.Headers().Get("Id"))
			out.Header.Set(nats.ExpectedLastSubjSeqHdr, "0")
			out.Data = strconv.AppendInt(nil, int64(n*n), 10)
			if _, err := work.PublishMsg(ctx, out); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
			m.Ack()
		}()
	}, jetstream.PullMaxMessages(atOnce))
	if err != nil {
		b.Fatal(err)
	}
	defer consuming.Stop()
	watcher, err := kv.WatchAll(ctx, jetstream.UpdatesOnly())
	if err != nil {
		b.Fatal(err)
	}
	defer watcher.Stop()
	slots := make(chan struct{}, underWay)
	begun := make(chan time.Time, underWay)
	var times medians
	b.ResetTimer()
	go func() {
		for i := range b.N {
			slots <- struct{}{}
			begun <- time.Now()
			m := nats.NewMsg("job")
			m.Header.Set("Id", strconv.Itoa(i))
			m.Header.Set(nats.MsgIdHdr, strconv.Itoa(i))
			m.Data = []byte("7")
			if _, err := js.PublishMsgAsync(m); err != nil {
				b.Error(err)
			}
		}
	}()
	for range b.N {
		<-watcher.Updates()
		times = append(times, time.Since(<-begun))
		<-slots
	}
	times.report(b)
}

// BenchmarkAwait is the time from a call to its result, with nothing else under way.
func BenchmarkAwait(b *testing.B) {
	url := benchServer(b)
	err := aio.Run(b.Context(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			c, err := distributed.Connect(ctx, url)
			if err != nil {
				return err
			}
			defer c.Close()
			g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
			var times medians
			for b.Loop() {
				begin := time.Now()
				if _, err := square.With(executor.On(c)).Run(ctx, 7); err != nil {
					return err
				}
				times = append(times, time.Since(begin))
			}
			times.report(b)
			g.Cancel(nil)
			return nil
		})
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPublishAndAck is what package nats.go takes to store one message.
func BenchmarkPublishAndAck(b *testing.B) {
	nc, err := nats.Connect(benchServer(b))
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "s",
		Subjects: []string{"s"}}); err != nil {
		b.Fatal(err)
	}
	var times medians
	for b.Loop() {
		begin := time.Now()
		if _, err := js.Publish(b.Context(), "s", []byte("7")); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	times.report(b)
}

// medians are the times of single operations.
type medians []time.Duration

func (m medians) report(b *testing.B) {
	slices.Sort(m)
	b.ReportMetric(float64(m[len(m)/2]), "p50-ns")
}
