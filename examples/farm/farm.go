package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/executor"
)

// result is what the program prints.
type result struct {
	File    string  `json:"file"`
	Tiles   int     `json:"tiles"`
	Killed  int     `json:"killed"`
	Seconds float64 `json:"seconds"`
}

// renderPicture renders all tiles on the workers and writes the picture.
func renderPicture(ctx context.Context, s settings, std cli.Streams) error {
	began := time.Now()
	picture := image.NewPaletted(image.Rect(0, 0, s.size, s.size), palette)
	r := result{File: s.out, Tiles: len(tiles(s.size, s.depth))}
	err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		url := s.nats
		var y *yard
		if url == "" {
			dir, err := os.MkdirTemp("", "farm")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			if y, err = newYard(dir, s.workers, false); err != nil {
				return err
			}
			url = y.url
			y.start(g)
			defer g.Cancel(nil)
		}
		c, err := connect(ctx, url)
		if err != nil {
			return err
		}
		defer c.Close()
		return renderAll(ctx, c, s, std, picture, func(done int) {
			if s.kill && y != nil && done == r.Tiles/3 {
				y.workers[0].kill()
				r.Killed++
			}
		})
	})
	if err != nil {
		return err
	}
	err = aiofile.Replace(ctx, s.out, 0o644, func(ctx context.Context, f *aiofile.File) error {
		return png.Encode(f.Writer(ctx), picture)
	})
	if err != nil {
		return err
	}
	r.Seconds = time.Since(began).Seconds()
	if s.json {
		return json.NewEncoder(std.Out).Encode(r)
	}
	fmt.Fprintf(std.Out, "%s: %s in %.1f s", r.File, cli.Count(r.Tiles, "tile"), r.Seconds)
	if r.Killed > 0 {
		fmt.Fprint(std.Out, ", a worker was killed, nothing is missing")
	}
	fmt.Fprintln(std.Out)
	return nil
}

// renderAll paints the tiles as they come. done is called with their number so far.
func renderAll(
	ctx context.Context, c *distributed.Client, s settings, std cli.Streams,
	picture *image.Paletted, done func(n int),
) error {
	all, n := tiles(s.size, s.depth), 0
	one := func(ctx context.Context, t tile) (aio.None, error) {
		p, err := renderTile.Run(ctx, t)
		if err != nil {
			return aio.None{}, err
		}
		paint(picture, p)
		n++
		done(n)
		if std.Progress != nil {
			full := 40 * n / len(all)
			fmt.Fprintf(std.Progress, "\r[%s%s] %d of %d ", strings.Repeat("#", full),
				strings.Repeat(".", 40-full), n, len(all))
		}
		return aio.None{}, nil
	}
	_, err := aio.Map(executor.With(ctx, c), all, one)
	if std.Progress != nil {
		fmt.Fprintln(std.Progress)
	}
	return err
}
