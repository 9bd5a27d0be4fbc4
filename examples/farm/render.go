package main

import (
	"context"
	"image"
	"image/color"
	"math"

	"github.com/aio-go/aio/executor"
)

// tile is a square of the picture.
type tile struct {
	X, Y, Size    int // in pixels
	Picture       int // its width and height
	Depth, Number int
}

// pixels are the colours of a tile, one byte a pixel.
type pixels struct {
	Tile  tile
	Shade []byte
}

// renderTile computes a tile: the work that the farm is for.
var renderTile = executor.Register("farm.tile", func(ctx context.Context, t tile) (pixels, error) {
	p := pixels{Tile: t, Shade: make([]byte, 0, t.Size*t.Size)}
	for y := range t.Size {
		if err := ctx.Err(); err != nil {
			return pixels{}, context.Cause(ctx)
		}
		for x := range t.Size {
			p.Shade = append(p.Shade, shade(t.X+x, t.Y+y, t.Picture, t.Depth))
		}
	}
	return p, nil
})

// shade says how fast a point of the plane leaves the circle of radius 2.
func shade(x, y, picture, depth int) byte {
	re := -2.2 + 3*float64(x)/float64(picture)
	im := -1.5 + 3*float64(y)/float64(picture)
	a, b := re, im
	for n := range depth {
		if a*a+b*b > 4 {
			return byte(55 + 200*math.Sqrt(math.Min(1, float64(n)/60)))
		}
		a, b = a*a-b*b+re, 2*a*b+im
	}
	return 0
}

// tileSize is the width of a tile in pixels.
const tileSize = 64

// tiles divides a picture.
func tiles(picture, depth int) []tile {
	var all []tile
	for y := 0; y < picture; y += tileSize {
		for x := 0; x < picture; x += tileSize {
			size := min(tileSize, picture-x, picture-y)
			all = append(all, tile{x, y, size, picture, depth, len(all)})
		}
	}
	return all
}

// palette makes colours of shades.
var palette = func() color.Palette {
	p := make(color.Palette, 256)
	for i := range p {
		p[i] = color.RGBA{byte(i), byte(i * i / 255), byte(255 - i/2), 255}
	}
	p[0] = color.Black
	return p
}()

// paint puts a tile into the picture.
func paint(to *image.Paletted, p pixels) {
	for i, s := range p.Shade {
		to.SetColorIndex(p.Tile.X+i%p.Tile.Size, p.Tile.Y+i/p.Tile.Size, s)
	}
}
