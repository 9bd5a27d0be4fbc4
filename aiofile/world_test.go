package aiofile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiotest"
)

// A file that is replaced has one of its versions after a crash, whole, and none older than the
// last one that was confirmed. Of a file that is appended to and synced, all confirmed lines are there.
func TestWhatIsConfirmedOutlivesCrashes(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{
			Crashes: 2, LostWrites: 3, TornWrites: 2, FullDisks: 1,
		})
		version := func(n int) string { return strings.Repeat(fmt.Sprint(n), 300) }
		replaced, appended, tried := 0, 0, 0 // what was confirmed, and begun
		host := w.Host("db")
		check := func(ctx context.Context) error {
			b, err := aiofile.ReadFile(ctx, "/data/state")
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			n := 0
			if len(b) > 0 {
				if n, err = strconv.Atoi(string(b[:1])); err != nil {
					return err
				}
			}
			if n < replaced || n > tried || n > 0 && string(b) != version(n) {
				t.Errorf("version %d of %d bytes is there; %d is confirmed, %d begun",
					n, len(b), replaced, tried)
			}
			b, err = aiofile.ReadFile(ctx, "/data/log")
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if n := strings.Count(string(b), "\n"); n < appended {
				t.Errorf("%d lines are there, %d are confirmed", n, appended)
			}
			return nil
		}
		host.Boot(func(ctx context.Context) error {
			if err := check(ctx); err != nil {
				return err
			}
			f, err := aiofile.OpenFile(ctx, "/data/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer f.Close(ctx)
			for n := replaced + 1; n < 6; n++ {
				tried = max(tried, n)
				err := aiofile.WriteAtomic(ctx, "/data/state", []byte(version(n)), 0o600)
				if err != nil {
					n-- // the disk was full
					if ctx.Err() != nil {
						return err
					}
				} else {
					replaced = n
				}
				if _, err := f.WriteString(ctx, fmt.Sprintln("line", n)); err != nil {
					continue
				}
				if err := f.Sync(ctx); err == nil {
					appended++
				}
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
			return nil
		})
		if err := aio.Sleep(ctx, 5*time.Minute); err != nil {
			return err
		}
		host.Crash()
		return check(host.Context(ctx))
	}, aiotest.Schedules(300), aiotest.DocumentedOrder())
}
