package subprocess

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/perloop"
)

// nursery holds the children of a loop that have not been collected, in the order of their starts.
// Only the loop uses it.
type nursery struct {
	loop     *aio.Loop
	children []*child
	orphaned []*child       // collected ones whose groups may not have ended
	helper   sync.WaitGroup // the goroutines of processHandle
	unhook   func()
	piped    bool // a child had pipes
}

// nurseries has the nursery of each loop that has had a child.
var nurseries perloop.Table[*nursery]

func nurseryOf(l *aio.Loop) *nursery {
	return nurseries.Get(l, func() *nursery {
		n := &nursery{loop: l}
		n.unhook = l.OnClose(n.close)
		return n
	})
}

// connected is called when the first pipes are open. A loop that closes calls the last hook first.
// So children are asked to end before their pipes are closed: they may have last words.
func (n *nursery) connected() {
	if !n.piped {
		n.piped = true
		n.unhook()
		n.unhook = n.loop.OnClose(n.close)
	}
}

func (n *nursery) forget(c *child) {
	if i := slices.Index(n.children, c); i >= 0 {
		n.children = slices.Delete(n.children, i, i+1)
	}
}

// outlived is called when a child has been collected before its group has ended. The handle of the
// group is closed when nobody is left in it, which is looked for at the next such time, and when
// the loop closes.
func (n *nursery) outlived(c *child) {
	n.orphaned = append(slices.DeleteFunc(n.orphaned, (*child).groupGone), c)
}

// lastWait is how long the close of a loop waits for a killed child. That takes long only if the
// system is in trouble.
const lastWait = 5 * time.Second

// close ends the children that still run when the loop closes. It asks all at once, and kills the
// rest after their grace.
func (n *nursery) close() {
	began, stuck := time.Now(), false
	for _, c := range slices.Clone(n.children) {
		if c.poll() {
			continue
		}
		if c.asked.IsZero() {
			c.terminate()
		} else {
			c.grace -= n.loop.Time().Sub(c.asked)
		}
	}
	for len(n.children) > 0 {
		c := n.children[0]
		left := max(c.grace-time.Since(began), 0)
		s, ended, err := c.handle.outlast(left)
		c.kill() // the rest of the group, too
		if !ended {
			s, ended, err = c.handle.outlast(lastWait)
		}
		if !ended {
			n.report("a child cannot be killed", errors.New("it did not end after SIGKILL"), c)
			c.handle.close()
			c.empty()
			n.forget(c)
			stuck = true
			continue
		}
		c.collected(s, err)
	}
	for _, c := range n.orphaned {
		c.empty()
	}
	n.orphaned = nil
	if !stuck {
		n.helper.Wait()
	}
}

func (n *nursery) report(message string, err error, c *child) {
	n.loop.CallExceptionHandler(aio.Report{
		Message: "subprocess: " + message,
		Err:     err,
		Warning: true,
		Attrs:   []slog.Attr{slog.String("child", c.String())},
	})
}
