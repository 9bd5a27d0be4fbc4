package blocks

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"example.com/vet/helpers"
	"github.com/aio-go/aio"
)

func blocking(ctx context.Context, ch chan int, db *sql.DB) (int, error) {
	if err := aio.Yield(ctx); err != nil {
		return 0, err
	}
	time.Sleep(2 * time.Second) // want `time.Sleep blocks the loop; use aio.Sleep`
	<-ch                        // want `a receive from a channel blocks the loop; use aio.Recv`
	n := <-ch                   // want `a receive from a channel`
	ch <- n                     // want `a send to a channel blocks the loop; use aio.Send`
	<-time.After(time.Second)   // want `a wait for time.After blocks the loop; use aio.Sleep`
	<-ctx.Done()                // want `a receive from a channel`
	select {                    // want `select blocks the loop; use aio.Select`
	case <-ch:
	case ch <- 1:
	}
	for range ch { // want `range over a channel blocks the loop; use aio.Recv`
	}
	var wg sync.WaitGroup
	wg.Wait() // want `sync.WaitGroup.Wait blocks the loop`
	cond := sync.NewCond(&sync.Mutex{})
	cond.Wait()                       // want `sync.Cond.Wait blocks the loop; use an aiosync.Condition`
	_, _ = os.ReadFile("x")           // want `os.ReadFile blocks the loop; use package aiofile`
	_ = exec.Command("true").Run()    // want `exec.Cmd.Run blocks the loop; use package subprocess`
	_, _ = net.Dial("tcp", "x:1")     // want `net.Dial blocks the loop; use package stream`
	_, _ = http.Get("http://x")       // want `http.Get blocks the loop; use an aiohttp.Client`
	_, _ = http.DefaultClient.Get("") // want `an http.Client blocks the loop`
	_, _ = db.ExecContext(ctx, "x")   // want `sql.DB.ExecContext blocks the loop; use package aiosql`
	client := &http.Client{Timeout: time.Second}
	_, _ = client.Get("http://x") // want `an http.Client blocks the loop`
	ln, _ := net.Listen("tcp", "")
	_, _ = ln.Accept() // want `net.Listener.Accept blocks`
	helpers.Nap()      // want `helpers.Nap blocks the loop, since it calls time.Sleep; use aio.ToThread`
	backOff()          // want `blocks.backOff blocks the loop, since it calls time.Sleep`
	func() {
		time.Sleep(time.Second) // want `time.Sleep blocks`
	}()
	defer func() {
		time.Sleep(time.Second) // want `time.Sleep blocks`
	}()
	return n, nil
}

func backOff() { time.Sleep(time.Second) }

func semaphore(ctx context.Context) error {
	places := make(chan struct{}, 3)
	places <- struct{}{}        // want `a send to a channel blocks`
	defer func() { <-places }() // want `a receive from a channel blocks`
	return aio.Yield(ctx)
}

func handed(ctx context.Context, g *aio.TaskGroup) {
	g.Go(func(context.Context) error {
		time.Sleep(time.Second) // want `time.Sleep blocks`
		return nil
	})
	g.Go(sleeper)
	aio.CreateTask(ctx, aio.Bind(sleeperOf, time.Second))
	_ = helpers.InGroup(ctx, func(ctx context.Context) error {
		time.Sleep(time.Second) // want `time.Sleep blocks`
		return nil
	})
	aio.RunningLoop(ctx).CallSoon(func() {
		time.Sleep(time.Second) // want `time.Sleep blocks`
	})
}

func sleeper(ctx context.Context) error {
	time.Sleep(time.Second) // want `time.Sleep blocks`
	return nil
}

func sleeperOf(_ context.Context, d time.Duration) (int, error) {
	time.Sleep(d) // want `time.Sleep blocks`
	return 0, nil
}

func right(ctx context.Context, ch chan int) error {
	var mu sync.Mutex
	mu.Lock()
	mu.Unlock()
	select {
	case <-ch:
	default:
	}
	result := make(chan int, 1)
	result <- 1
	go func() {
		time.Sleep(time.Second)
		<-ch
	}()
	err := aio.Blocking(ctx, func(context.Context) error {
		time.Sleep(time.Second)
		helpers.Nap()
		return os.WriteFile("x", nil, 0o600)
	})
	_ = helpers.OnThread(ctx, func(context.Context) error {
		time.Sleep(time.Second)
		return nil
	})
	defer os.RemoveAll("x")
	later := func() { time.Sleep(time.Second) } // nobody knows where it is called
	_ = later
	if !aio.InTask(ctx) {
		return err
	}
	return aio.Yield(ctx)
}

func main() {
	time.Sleep(time.Second)
	_ = aio.Run(context.Background(), func(ctx context.Context) error { return aio.Yield(ctx) })
	<-make(chan int)
}
