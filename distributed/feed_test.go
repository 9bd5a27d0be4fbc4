package distributed

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/nats-io/nats.go"
)

// asked are the pull requests of a feed, as "PRIORITY JOBS".
func asked(t *testing.T, f *feed) (all []string) {
	for _, m := range f.out.msgs {
		var body struct {
			Batch  int
			NoWait bool `json:"no_wait"`
		}
		if err := json.Unmarshal(m.Data, &body); err != nil {
			t.Error(err)
		}
		for _, p := range priorities {
			if m.Subject == "$JS.API.CONSUMER.MSG.NEXT.s_jobs."+p.String() {
				all = append(all, fmt.Sprintf("%v %d at once %v", p, body.Batch, body.NoWait))
			}
		}
	}
	f.out.msgs = nil
	return all
}

func TestAFeedAsksForAsManyJobsAsTheLineHasAndTheWorkerCanStart(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		f := &feed{inbox: "i.", requests: map[string]*pull{}, Client: &Client{
			loop: aio.RunningLoop(ctx), names: names{"s"}, out: &outbox{}}}
		f.online.Store(true)
		job := func(p Priority, behind int) {
			m := nats.NewMsg("s.job." + p.String())
			m.Reply = fmt.Sprintf("$JS.ACK.s_jobs.%v.1.5.5.0.%d", p, behind)
			f.take(m)
			if _, err := f.next(ctx, 1); err != nil {
				t.Error(err)
			}
		}
		fetch := func(free int) {
			ctx, cancel := aio.WithCancelCause(ctx)
			cancel(nil)
			f.fetch(ctx, free)
		}
		for _, p := range priorities {
			f.request(p, 1, false)
		}
		f.out.msgs = nil
		for _, c := range []struct {
			high, normal, low, free int // the jobs behind one of the line; -1: none came
			want                    []string
		}{
			{-1, 0, -1, 5, []string{"normal 1 at once false"}},
			{-1, 30, -1, 5, []string{"normal 5 at once true"}},
			{-1, 3, -1, 5, []string{"normal 3 at once true"}},
			{2, 30, -1, 5, []string{"high 2 at once true", "normal 3 at once true"}},
			{30, 30, -1, 5, []string{"high 5 at once true", "normal 1 at once false"}},
		} {
			for p, behind := range map[Priority]int{High: c.high, Normal: c.normal, Low: c.low} {
				for ; behind >= 0; behind = -1 {
					for f.asked(p) {
						job(p, behind)
					}
				}
			}
			fetch(c.free)
			if got := asked(t, f); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v: %v", c, got)
			}
		}
		for inbox := range f.requests { // the lines are empty now
			m := nats.NewMsg(inbox)
			m.Header.Set("Status", "404")
			f.take(m)
		}
		if f.backlog != [len(priorities)]int{} {
			t.Errorf("backlog %v", f.backlog)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheAddressOfAnAcknowledgementTellsTheDeliveriesAndTheBacklog(t *testing.T) {
	for reply, want := range map[string][2]int{
		"$JS.ACK.jobs.normal.3.10.11.1700000000.42":              {3, 42},
		"$JS.ACK.hub.account.jobs.normal.3.10.11.1700000000.42":  {3, 42},
		"$JS.ACK.hub.account.jobs.normal.3.10.11.17000000.42.rx": {3, 42},
		"$JS.ACK.jobs.normal.x.10.11.1700000000.-1":              {1, 0},
		"$JS.ACK": {1, 0},
		"":        {1, 0},
	} {
		if n, behind := told(reply); n != want[0] || behind != want[1] {
			t.Errorf("%s: %d, %d", reply, n, behind)
		}
	}
}

func TestWhileTheBrokerIsAwayNothingPilesUp(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := &Client{loop: aio.RunningLoop(ctx), names: names{"s"}, out: &outbox{}, largest: 1 << 20}
		c.replies = replies{c: c, inbox: "r.", wait: map[string]*aio.Future[*nats.Msg]{}}
		f := &feed{inbox: "i.", requests: map[string]*pull{}, Client: c}
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			fetched := g.Go(func(ctx context.Context) error {
				_, err := f.next(ctx, 64)
				return err
			})
			stored := g.Go(func(ctx context.Context) error {
				_, _, err := c.replies.store(ctx, nats.NewMsg("s.job.normal"))
				return err
			})
			c.offer(nats.NewMsg("s.event"))
			f.extend(&delivery{reply: "a"})
			if err := aio.Sleep(ctx, 24*time.Hour); err != nil {
				return err
			}
			if len(c.out.msgs) != 1 || c.out.msgs[0].Subject != "s.job.normal" {
				t.Errorf("%d messages", len(c.out.msgs))
			}
			c.online.Store(true)
			f.reconnected()
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			again := c.out.msgs[len(c.out.msgs)-1]
			for _, m := range c.out.msgs {
				if m.Subject == "s.job.normal" {
					again = m
				}
			}
			c.out.msgs = nil
			c.replies.take(&nats.Msg{Subject: again.Reply, Data: []byte(`{"seq":1}`)})
			if _, err := stored.Await(ctx); err != nil {
				t.Errorf("stored: %v", err)
			}
			f.take(&nats.Msg{Subject: "s.job.normal", Reply: "$JS.ACK.s_jobs.normal.1.1.1.0.0"})
			_, err := fetched.Await(ctx)
			return err
		})
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Error(err)
	}
}

func TestAJobThatWaitsForAFreePlaceKeepsItsLease(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		f := &feed{inbox: "i.", requests: map[string]*pull{}, Client: &Client{
			loop: aio.RunningLoop(ctx), names: names{"s"}, out: &outbox{}}}
		f.online.Store(true)
		w := &worker{b: f, lease: time.Minute, leases: map[*delivery]*lease{}}
		for _, p := range priorities {
			m := nats.NewMsg("s.job." + p.String())
			m.Reply = "$JS.ACK.s_jobs." + p.String() + ".1.5.5.0.0"
			f.take(m)
		}
		beat := aio.Start(ctx, w.beat)
		if err := aio.Sleep(ctx, 21*time.Second); err != nil {
			return err
		}
		beat.Cancel(nil)
		got := ""
		for _, m := range f.out.msgs {
			got += string(m.Data)
		}
		if got != "+WPI+WPI+WPI" {
			t.Errorf("the worker says %s", got)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Error(err)
	}
}
