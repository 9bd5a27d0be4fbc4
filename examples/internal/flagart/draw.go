package flagart

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"slices"
)

const (
	pixels = 150 // across
	lines  = 100
)

// draw paints the layers, one over the other.
func draw(layers []layer) ([]byte, error) {
	picture := image.NewPaletted(image.Rect(0, 0, pixels, lines), nil)
	var used []color.RGBA // the palette
	for j := range lines {
		for i := range pixels {
			x, y := (float64(i)+0.5)/lines, (float64(j)+0.5)/lines
			var c color.RGBA
			for _, l := range slices.Backward(layers) { // the layer on top is visible
				if over, paints := l(x, y); paints {
					c = over
					break
				}
			}
			at := slices.Index(used, c)
			if at < 0 {
				at = len(used)
				used = append(used, c)
			}
			picture.SetColorIndex(i, j, uint8(at))
		}
	}
	for _, c := range used {
		picture.Palette = append(picture.Palette, c)
	}
	var b bytes.Buffer
	if err := gif.Encode(&b, picture, nil); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
