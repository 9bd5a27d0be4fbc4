//go:build unix

package mongo

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// item is a document.
type item struct {
	ID int `bson:"_id"`
	N  int
}

// start starts FerretDB, which is MongoDB's protocol on SQLite.
func start(t *testing.T) (*trial.Process, string) {
	if _, err := exec.LookPath("ferretd"); err != nil {
		t.Skip("there is no ferretd on this machine; " +
			"ferretd/main.go says how it is installed, which takes some minutes")
	}
	address := looptest.FreeAddress(t)
	dir := t.TempDir()
	ready := func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	}
	p := trial.Start(t, dir, ready, "ferretd", address, dir)
	return p, "mongodb://" + address + "/?serverSelectionTimeoutMS=2000&retryWrites=false"
}

func run(
	t *testing.T,
	main func(ctx context.Context, p *trial.Process, c *Client, items *mongo.Collection) error,
) {
	t.Helper()
	p, uri := start(t)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c, err := Connect(uri, 10)
		if err != nil {
			return err
		}
		defer c.Close(ctx)
		return main(ctx, p, c, c.Database("test").Collection("items"))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheAccountIsExactThroughTheDeathOfTheServer(t *testing.T) {
	run(t, func(ctx context.Context, p *trial.Process, c *Client, items *mongo.Collection) error {
		// FerretDB looks through the whole collection for each of them.
		account, err := trial.Run(ctx, 1, trial.Size()/10, func(ctx context.Context, id int) error {
			_, err := Do(ctx, c, func(ctx context.Context) (*mongo.UpdateResult, error) {
				return items.ReplaceOne(ctx, bson.M{"_id": id}, item{id, 2 * id},
					options.Replace().SetUpsert(true))
			})
			return err
		}, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error {
				p.Kill()
				p.Restart()
				return nil
			})
		})
		if err != nil {
			return err
		}
		found := map[int]bool{}
		for v, err := range Find[item](ctx, items, nil) {
			if err != nil {
				return err
			}
			if found[v.ID] || v.N != 2*v.ID || !account.Done[v.ID] && !account.Cancelled[v.ID] {
				t.Errorf("a document that nobody has written: %v", v)
			}
			found[v.ID] = true
		}
		for id := range account.Done {
			if !found[id] {
				t.Errorf("document %d is lost", id)
			}
		}
		t.Log(account, "found:", len(found))
		return nil
	})
}

func TestACursorIsClosedWhenTheLoopIsLeft(t *testing.T) {
	run(t, func(ctx context.Context, _ *trial.Process, c *Client, items *mongo.Collection) error {
		_, err := Do(ctx, c, func(ctx context.Context) (*mongo.InsertManyResult, error) {
			all := make([]any, 500)
			for i := range all {
				all[i] = item{i, i}
			}
			return items.InsertMany(ctx, all)
		})
		if err != nil {
			return err
		}
		few := options.Find().SetBatchSize(10).SetSort(bson.M{"_id": 1})
		for range 30 { // more than the server would let stay open on ten connections
			n := 0
			for v, err := range Find[item](ctx, items, nil, few) {
				if err != nil {
					return err
				}
				if v.ID != n {
					t.Errorf("document %d is %v", n, v)
				}
				if n++; n == 25 {
					break
				}
			}
		}
		some, err := aiter.Collect(Find[item](ctx, items, bson.M{"_id": bson.M{"$gte": 490}}, few))
		if len(some) != 10 {
			t.Errorf("%d documents", len(some))
		}
		if err != nil {
			return err
		}
		task := aio.Start(ctx, func(ctx context.Context) error {
			for _, err := range Find[item](ctx, items, nil, few) {
				if err != nil {
					return err
				}
				if err := aio.Sleep(ctx, time.Hour); err != nil {
					return err
				}
			}
			return nil
		})
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		task.Cancel(nil)
		if _, err := task.Await(ctx); err == nil {
			t.Error("a cancelled sequence ended without an error")
		}
		return nil
	})
}
