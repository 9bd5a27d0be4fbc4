package main

import (
	"context"
	"errors"
	"time"

	"github.com/aio-go/aio"
)

var errGone = errors.New("the connection is gone")

// fails returns the function of a service that fails after some time, each time it runs; or only
// the first n times.
func fails(after time.Duration, times int, how func() error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if times == 0 {
			return idle(ctx)
		}
		times--
		if err := aio.Sleep(ctx, after); err != nil {
			return err
		}
		return how()
	}
}

// idle is a service that does its work and never fails.
func idle(ctx context.Context) error {
	for {
		if err := aio.Sleep(ctx, time.Hour); err != nil {
			return err
		}
	}
}

// services are those of the demonstration: what depends on another stands after it.
func services(flaky bool) []service {
	list := []service{
		{"config", onFailure, fails(time.Second, 1, func() error { return nil })}, // it ends well
		{"database", always, fails(5*time.Second, 1, func() error { return errGone })},
		{"cache", always, fails(14*time.Second, 2, func() error { panic("index out of range") })},
		{"listener", always, idle},
	}
	if flaky {
		list = append(list, service{"flaky", always, fails(time.Second, -1, func() error {
			return errors.New("it never works")
		})})
	}
	return list
}
