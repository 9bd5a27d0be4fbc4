package aiohttp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// A clock that is pushed each minute.
func ExampleEvents() {
	ticker := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		events, err := aiohttp.Events(w, r)
		for n := 1; err == nil; n++ {
			if err = events.Send(aiohttp.Event{ID: fmt.Sprint(n), Data: "tick"}); err == nil {
				err = aio.Sleep(ctx, time.Minute)
			}
		}
		return err // the client has disconnected
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := &aiohttp.Client{Transport: aiohttp.Direct(ticker)}
		defer c.Close()
		r, err := c.Get(ctx, "http://ticker/")
		if err != nil {
			return err
		}
		defer r.Close()
		for e, err := range r.Events(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(e.ID, e.Data)
			if e.ID == "3" {
				break
			}
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1 tick
	// 2 tick
	// 3 tick
}
