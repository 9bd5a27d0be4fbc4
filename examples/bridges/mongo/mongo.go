// Package mongo lets tasks use the MongoDB driver: calls with a bound, and cursors as sequences.
package mongo

import (
	"context"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

// Client is a client of the driver for the tasks of one loop. Tasks wait for their turn on the
// loop, in FIFO order, and not for a connection inside the driver.
type Client struct {
	*mongo.Client
	limiter *aiosync.Limiter
}

// Connect makes a client with at most n connections to each server. It does not wait for one.
func Connect(uri string, n int) (*Client, error) {
	c, err := mongo.Connect(options.Client().ApplyURI(uri).SetMaxPoolSize(uint64(n)))
	if err != nil {
		return nil, err
	}
	return &Client{c, aiosync.NewLimiter(n)}, nil
}

// Do makes a call: Do(ctx, c, func(ctx context.Context) (*mongo.UpdateResult, error) { ... }).
//
// Cancellation: the driver closes the connection of a call that has begun, and Do waits for that.
// The server may have done what it was told.
func Do[T any](
	ctx context.Context, c *Client, call func(ctx context.Context) (T, error),
) (T, error) {
	return aio.ToThread(ctx, call, aio.LimitedBy(c.limiter), aio.Joined())
}

// Find is the sequence of the documents that match a filter, decoded as T. The cursor is closed
// when the loop is left. It takes no place in the limiter: between two batches it needs no
// connection.
//
// Cancellation: the cursor is closed.
func Find[T any](
	ctx context.Context, from *mongo.Collection, filter any,
	opts ...options.Lister[options.FindOptions],
) iter.Seq2[T, error] {
	if filter == nil {
		filter = bson.D{}
	}
	return aiter.FromThread(ctx, 0, func(ctx context.Context, yield func(T) bool) error {
		cursor, err := from.Find(ctx, filter, opts...)
		if err != nil {
			return err
		}
		defer cursor.Close(context.WithoutCancel(ctx))
		for cursor.Next(ctx) {
			var v T
			if err := cursor.Decode(&v); err != nil {
				return err
			}
			if !yield(v) {
				return nil
			}
		}
		return cursor.Err()
	})
}

// Close closes the connections. It also does in a cancelled task. Call it in a defer.
func (c *Client) Close(ctx context.Context) error {
	return aio.Blocking(context.WithoutCancel(ctx), c.Disconnect)
}
