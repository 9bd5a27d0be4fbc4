//go:build unix

package executor_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/executor"
)

// relay tells its process's number, and sends back what it got.
var relay = executor.Register("relay", func(ctx context.Context, p []byte) ([]byte, error) {
	if err := executor.Progress(ctx, syscall.Getpid()); err != nil {
		return nil, err
	}
	return p, nil
})

// Workers are killed at any moment, jobs are cancelled at any moment, small ones and large ones.
// Every job comes to the right end, and nothing stays behind.
func TestEveryJobEndsWhateverIsKilled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	large := bytes.Repeat([]byte("large"), 1<<18)
	const jobs = 90
	var done, lost, killed, cancelled int
	inPool(t, func(ctx context.Context, p *executor.Pool) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range jobs {
				text := large[:random.IntN(2)*random.IntN(len(large))+random.IntN(100)]
				fate := random.IntN(4)
				var task *aio.Task[[]byte]
				watched := relay.With(executor.OnProgress(func(pid int) {
					switch fate {
					case 0:
						killed++
						syscall.Kill(pid, syscall.SIGKILL)
					case 1:
						task.Cancel(nil)
					}
				}))
				task = aio.CreateTask(ctx, aio.Bind(watched.Run, text))
				g.Go(func(ctx context.Context) error {
					got, err := task.Await(ctx)
					var worker *executor.WorkerError
					switch {
					case err == nil:
						done++
						if !bytes.Equal(got, text) {
							t.Errorf("%d bytes came back as %d", len(text), len(got))
						}
					case errors.As(err,
						&worker): // its own worker was killed, or the signal was late and it has got that worker
						lost++
					case errors.Is(err, aio.ErrCancelled) && fate == 1:
						cancelled++
					default:
						t.Errorf("fate %d: %v", fate, err)
					}
					return nil
				})
				if random.IntN(10) == 0 {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if s := p.Statistics(); s.Done != jobs || s.Running != 0 || s.Waiting != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return err
	}, executor.Workers(3), executor.JobsPerWorker(20))
	if done+lost+cancelled != jobs || lost > killed || killed == 0 || cancelled == 0 {
		t.Errorf("%d done, %d lost of %d killed, %d cancelled", done, lost, killed, cancelled)
	}
}
