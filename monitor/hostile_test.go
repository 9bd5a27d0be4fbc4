package monitor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/monitor"
)

// hostile returns a line that a confused or hostile client may send.
func hostile(r *rand.Rand) string {
	ops := []string{"picture", "cancel", "", "hello", "\\u0000", "picture\\n", strings.Repeat("p", 300)}
	switch r.IntN(10) {
	case 0:
		b := make([]byte, r.IntN(6000))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	case 1:
		return strings.Repeat("[", r.IntN(5000)) + "\n"
	case 2:
		return fmt.Sprintf(`{"v":%d}`+"\n", r.Int64())
	case 3:
		return fmt.Sprintf(`{"v":1,"op":"cancel","loop":%d,"task":%d,"reason":%q}`+"\n", r.IntN(100), r.Uint32(), strings.Repeat("é\x1b[2J", r.IntN(60)))
	case 4:
		return fmt.Sprintf(`{"v":1,"op":%q,"stacks":true,"force":true}`, ops[r.IntN(len(ops))]) // without an end
	case 5:
		return "GET /debug/aio/ HTTP/1.1\r\nHost: x\r\n\r\n"
	case 6:
		return fmt.Sprintf(`{"v":1,"op":"picture","loop":%d}`+"\n", r.IntN(5))
	case 7:
		return strings.Repeat("\n", r.IntN(20))
	case 8:
		times := []int64{0, -1, 1, 1e5, 1e18, -1 << 63}
		return fmt.Sprintf(`{"v":1,"op":"record","loop":%d,"for":%d,"task":%d,"last":%d}`+"\n", r.IntN(3), times[r.IntN(len(times))], r.Uint32()>>r.IntN(32), r.Int32()>>r.IntN(32))
	default:
		return fmt.Sprintf(`{"v":1,"op":"%s","brief":true,"x":[{"y":1e999}]}`+"\n", ops[r.IntN(len(ops))])
	}
}

// The number of goroutines and descriptors at the end is checked by TestMain.
func TestTenThousandHostileRequestsHarmNothing(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	path := filepath.Join(t.TempDir(), "s")
	s, err := monitor.Serve(monitor.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	steps := 0
	err = aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				for {
					if err := aio.Sleep(ctx, time.Millisecond); err != nil {
						return err
					}
					steps++
				}
			}, aio.Name("program"))
			err := aio.Blocking(ctx, func(ctx context.Context) error {
				var all sync.WaitGroup
				for part := range 4 {
					all.Go(func() { attack(t, path, rand.New(rand.NewPCG(7, uint64(part))), n/4) })
				}
				all.Wait()
				return nil
			})
			g.Cancel(nil)
			return err
		})
	})
	if err != nil || steps == 0 {
		t.Errorf("%v, %d steps of the program", err, steps)
	}
	c, err := monitor.Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Picture(t.Context(), monitor.Question{}); err != nil {
		t.Errorf("it does not answer any more: %v", err)
	}
}

func attack(t *testing.T, path string, r *rand.Rand, n int) {
	for n > 0 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		in := bufio.NewReader(conn)
		for range 1 + r.IntN(20) {
			if n--; n < 0 {
				break
			}
			line := hostile(r)
			if _, err := conn.Write([]byte(line)); err != nil {
				break
			}
			if r.IntN(4) == 0 || !strings.HasSuffix(line, "\n") {
				break // without waiting for the answer
			}
			answer, err := in.ReadString('\n')
			if err != nil {
				break
			}
			var x struct {
				V int `json:"v"`
			}
			if json.Unmarshal([]byte(answer), &x) != nil || x.V != monitor.Version {
				t.Errorf("to %.40q it answers %.80q", line, answer)
			}
			if strings.ContainsFunc(strings.TrimSuffix(answer, "\n"), func(r rune) bool { return r < ' ' }) {
				t.Errorf("a control character in %.80q", answer)
			}
		}
		conn.Close()
	}
}

// A server that is closed while clients ask leaves nothing behind, and its clients get an error.
func TestCloseEndsTheConnectionsAndWaitsForNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := monitor.Serve(monitor.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	free, blocked := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = aio.Run(context.Background(), func(context.Context) error { close(blocked); <-free; return nil })
	})
	<-blocked
	for range 8 {
		c, err := monitor.Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer c.Close()
			for {
				if _, err := c.Picture(t.Context(), monitor.Question{}); err != nil {
					return
				}
			}
		})
	}
	s.Close()
	s.Close()
	close(free)
	all.Wait()
}

// A picture of 100,000 tasks. The loop time is logged; it is less than 150 ms on an idle machine.
func TestAPictureOfAHundredThousandTasks(t *testing.T) {
	const n = 100_000
	if testing.Short() || leaktest.RaceDetector {
		t.Skip("it takes long")
	}
	served(t, nil, func(ctx context.Context, c *monitor.Client) {
		for answers := 0; answers < 2; {
			p, err := c.Picture(ctx, monitor.Question{Stacks: true})
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(p.Loops, func(l monitor.Loop) bool { return l.Busy != nil }) {
				continue // it starts the tasks
			}
			answers++
			l, _ := ours(t, p, "program")
			t.Logf("the loop stood still for %v", l.Took)
			if l.Live < n || l.NoStacks == "" {
				t.Errorf("%d tasks, %q", l.Live, l.NoStacks)
			}
		}
	}, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range n {
				g.Go(looptest.Forever)
			}
			return nil
		})
	})
}
