package distributed

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/nats-io/nats.go"
)

// levels are those of the log; of other events there is no line.
var levels = map[EventKind]slog.Level{
	JobFailed: slog.LevelInfo, JobReturned: slog.LevelInfo,
	JobDead: slog.LevelWarn, JobMalformed: slog.LevelWarn,
}

// EventKind says what an [Event] tells.
type EventKind string

const (
	WorkerStarted EventKind = "worker started"
	WorkerEnded   EventKind = "worker ended"
	JobFailed     EventKind = "job failed"    // and is going to be tried again
	JobDead       EventKind = "job dead"      // there is no further attempt
	JobReturned   EventKind = "job returned"  // another run decides: Error says why this one cannot
	JobMalformed  EventKind = "job malformed" // a message that is no job was removed
)

// Event is what a worker tells all that listen. Events are not kept; the worker's log has those of
// jobs.
type Event struct {
	Kind    EventKind
	Worker  string
	ID      string `json:",omitempty"`
	Name    string `json:",omitempty"` // of the function
	Attempt int    `json:",omitempty"`
	Error   string `json:",omitempty"`
}

// tell logs the event, and sends it to those that listen.
func (f *feed) tell(ev Event) {
	if level, ok := levels[ev.Kind]; ok {
		slog.Log(context.Background(), level, "distributed: "+string(ev.Kind), "worker", ev.Worker,
			"job", ev.ID, "function", ev.Name, "attempt", ev.Attempt, "error", ev.Error)
	}
	m := nats.NewMsg(f.events())
	m.Data, _ = json.Marshal(ev)
	f.offer(m)
}

// eventsAhead is how many events may wait for their reader; older ones are dropped.
const eventsAhead = 1000

// Events returns what the workers of the namespace tell from now on, until the loop over it is left
// or ctx ends. A reader that is slow loses events. Loop only.
func (c *Client) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		queue := aiosync.NewQueue[Event](0)
		end, err := c.listen(c.events(), func(m *nats.Msg) {
			var ev Event
			if json.Unmarshal(m.Data, &ev) != nil {
				return
			}
			c.post(func() {
				if queue.Len() >= eventsAhead {
					queue.GetNowait()
				}
				queue.PutNowait(ev)
			})
		})
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer end()
		flush := func(context.Context) error { return c.nc.Flush() }
		if err := aio.Blocking(ctx, flush); err != nil {
			yield(Event{}, err)
			return
		}
		for ev, err := range queue.All(ctx) {
			if !yield(ev, err) {
				return
			}
		}
	}
}
