package distributed

import (
	"context"
	"time"

	"github.com/aio-go/aio"
)

// clock knows the time by the broker's clock. Deadlines travel by it, since the clocks of two
// machines may differ by hours. From one look at the broker's clock to the next the loop's clock
// counts, in a way that does not notice when someone sets it.
type clock struct {
	at      time.Time // the broker's clock at the last look
	looked  time.Time // when that was, by the loop's clock
	looking bool
}

const lookAgain = time.Minute

// brokerTime returns the time by the broker's clock. It goes on with what it knows if the broker
// cannot be asked. Loop only.
func (c *Client) brokerTime(ctx context.Context) time.Time {
	k := &c.clock
	if c.loop.Time().Sub(k.looked) >= lookAgain && !k.looking && c.online.Load() {
		_ = c.lookAtClock(ctx) // what is known goes on
	}
	return k.at.Add(c.loop.Time().Sub(k.looked))
}

// lookAtClock asks the broker for its time.
func (c *Client) lookAtClock(ctx context.Context) error {
	c.clock.looking = true
	defer func() { c.clock.looking = false }()
	var middle time.Time // of the way to the broker and back; the loop may be late with both
	at, err := aio.ToThread(ctx, func(ctx context.Context) (time.Time, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		begin := time.Now()
		s, err := c.js.Stream(ctx, c.jobs())
		if err != nil {
			return time.Time{}, brokerErr(err)
		}
		middle = begin.Add(time.Since(begin) / 2)
		return s.CachedInfo().TimeStamp, nil
	})
	if err == nil {
		c.clock.at, c.clock.looked = at.Add(time.Since(middle)), c.loop.Time()
	}
	return err
}
