package flagart

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"
)

// The points of a flag have x from 0 at the hoist to 1.5, and y from 0 at the top to 1.
const width = 1.5

// layer is one step of drawing: it gives a colour to some of the points and leaves the others.
type layer func(x, y float64) (c color.RGBA, paints bool)

// shape reports which points a layer paints.
type shape func(x, y float64) bool

var colours = map[string]color.RGBA{
	"black":  {0, 0, 0, 255},
	"white":  {255, 255, 255, 255},
	"red":    {206, 17, 38, 255},
	"maroon": {128, 22, 50, 255},
	"orange": {255, 121, 0, 255},
	"brown":  {139, 87, 42, 255},
	"yellow": {255, 205, 0, 255},
	"green":  {0, 122, 61, 255},
	"sky":    {91, 166, 225, 255},
	"blue":   {0, 71, 171, 255},
	"navy":   {0, 33, 91, 255},
}

// shapes are the layers of one colour: their notation and the points that they cover. Their numbers
// follow the colour. Those with a default may be left out.
var shapes = map[string]struct {
	least    int // numbers that have to be there
	defaults []float64
	make     func(n []float64) shape
}{
	// The whole flag.
	"field": {0, nil, func([]float64) shape { return func(x, y float64) bool { return true } }},
	// A stripe at the hoist.
	"hoist": {0, nil, func([]float64) shape {
		return func(x, y float64) bool { return x < 0.375 }
	}},
	// A stripe across: the y of its middle, its height, where it ends.
	"bar": {2, []float64{width}, func(n []float64) shape {
		return func(x, y float64) bool { return math.Abs(y-n[0]) < n[1]/2 && x < n[2] }
	}},
	// A stripe downwards: the x of its middle, its width, where it ends.
	"upright": {2, []float64{1}, func(n []float64) shape {
		return func(x, y float64) bool { return math.Abs(x-n[0]) < n[1]/2 && y < n[2] }
	}},
	// A cross of the north: its width.
	"nordic": {1, nil, func(n []float64) shape {
		return func(x, y float64) bool {
			return math.Abs(x-0.55) < n[0]/2 || math.Abs(y-0.5) < n[0]/2
		}
	}},
	// A cross in the middle: its width.
	"cross": {1, nil, func(n []float64) shape {
		return func(x, y float64) bool {
			return math.Abs(x-0.75) < n[0]/2 || math.Abs(y-0.5) < n[0]/2
		}
	}},
	// A cross that does not reach the edges: half its length, its width.
	"plus": {2, nil, func(n []float64) shape {
		return func(x, y float64) bool {
			dx, dy := math.Abs(x-0.75), math.Abs(y-0.5)
			return dx < n[0] && dy < n[1]/2 || dy < n[0] && dx < n[1]/2
		}
	}},
	// A stripe from corner to corner, up from the hoist: its width.
	"slash": {1, nil, func(n []float64) shape {
		return func(x, y float64) bool { return math.Abs(x/width+y-1) < n[0]/2 }
	}},
	// Both such stripes.
	"saltire": {1, nil, func(n []float64) shape {
		return func(x, y float64) bool {
			return math.Abs(x/width+y-1) < n[0]/2 || math.Abs(x/width-y) < n[0]/2
		}
	}},
	// What is between two lines that go down from the hoist; -1 is the corner on top, 1 the one
	// below.
	"slope": {2, nil, func(n []float64) shape {
		return func(x, y float64) bool { t := y - x/width; return n[0] <= t && t <= n[1] }
	}},
	// The same with lines that go up from the hoist.
	"rise": {2, nil, func(n []float64) shape {
		return func(x, y float64) bool { t := x/width + y - 1; return n[0] <= t && t <= n[1] }
	}},
	// The corner on top of the hoist: width and height.
	"canton": {2, nil, func(n []float64) shape {
		return func(x, y float64) bool { return x < n[0] && y < n[1] }
	}},
	// A triangle at the hoist: how far it reaches.
	"triangle": {1, nil, func(n []float64) shape {
		return func(x, y float64) bool { return x/n[0]+math.Abs(2*y-1) < 1 }
	}},
	// A diamond in the middle: half its width, half its height.
	"diamond": {2, nil, func(n []float64) shape {
		return func(x, y float64) bool { return math.Abs(x-0.75)/n[0]+math.Abs(y-0.5)/n[1] < 1 }
	}},
	// A disc: the x and y of its middle, its radius.
	"disc": {3, nil, func(n []float64) shape {
		return func(x, y float64) bool { return math.Hypot(x-n[0], y-n[1]) < n[2] }
	}},
	// The lower half of a disc.
	"half": {3, nil, func(n []float64) shape {
		return func(x, y float64) bool { return y > n[1] && math.Hypot(x-n[0], y-n[1]) < n[2] }
	}},
	// A star with five points, the first upwards.
	"star": {3, nil, func(n []float64) shape {
		return func(x, y float64) bool { return inStar(x-n[0], y-n[1], n[2]) }
	}},
}

func inStar(dx, dy, radius float64) bool {
	if math.Abs(dx) > radius || math.Abs(dy) > radius {
		return false
	}
	const fifth = 2 * math.Pi / 5
	angle := math.Mod(math.Atan2(dx, -dy)+2*math.Pi, fifth)
	angle = min(angle, fifth-angle) // from the nearest point of the star
	far := math.Hypot(dx, dy)
	x, y := far*math.Cos(angle), far*math.Sin(angle)
	inner := radius * 0.382
	ix, iy := inner*math.Cos(fifth/2), inner*math.Sin(fifth/2)
	return (ix-radius)*y-iy*(x-radius) > 0 // on the side of the edge where the middle is
}

// parse reads a design: layers, parted by semicolons.
func parse(design string) ([]layer, error) {
	var layers []layer
	for text := range strings.SplitSeq(design, ";") {
		words := strings.Fields(text)
		if len(words) == 0 {
			return nil, fmt.Errorf("an empty layer in %q", design)
		}
		more, err := parseLayer(words[0], words[1:])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", strings.TrimSpace(text), err)
		}
		layers = append(layers, more...)
	}
	return layers, nil
}

func parseLayer(kind string, words []string) ([]layer, error) {
	switch kind {
	case "union": // the flag of the United Kingdom in a corner of another
		gb, _ := Lookup("GB")
		all, err := parse(gb.design)
		if err != nil {
			return nil, err
		}
		for i, l := range all {
			all[i] = func(x, y float64) (color.RGBA, bool) {
				if x >= width/2 || y >= 0.5 {
					return color.RGBA{}, false
				}
				return l(2*x, 2*y)
			}
		}
		return all, nil
	case "h", "v", "quarters": // stripes across, downwards, or four fields
		list, err := parseColours(words)
		if err != nil {
			return nil, err
		}
		n := float64(len(list))
		return []layer{func(x, y float64) (color.RGBA, bool) {
			switch kind {
			case "h":
				return list[int(y*n)], true
			case "v":
				return list[int(x/width*n)], true
			}
			i := 0
			if (x < width/2) != (y < 0.5) {
				i = 1
			}
			return list[i], true
		}}, nil
	}
	return parseShape(kind, words)
}

func parseColours(words []string) ([]color.RGBA, error) {
	var list []color.RGBA
	for _, word := range words {
		c, ok := colours[word]
		if !ok {
			return nil, fmt.Errorf("there is no colour %q", word)
		}
		list = append(list, c)
	}
	if len(list) < 2 {
		return nil, fmt.Errorf("it needs at least two colours")
	}
	return list, nil
}

func parseShape(kind string, words []string) ([]layer, error) {
	s, ok := shapes[kind]
	if !ok {
		return nil, fmt.Errorf("there is no layer %q", kind)
	}
	if len(words) < 1+s.least || len(words) > 1+s.least+len(s.defaults) {
		return nil, fmt.Errorf("it needs a colour and %d numbers", s.least)
	}
	c, ok := colours[words[0]]
	if !ok {
		return nil, fmt.Errorf("there is no colour %q", words[0])
	}
	var numbers []float64
	for _, word := range words[1:] {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", word)
		}
		numbers = append(numbers, n)
	}
	numbers = append(numbers, s.defaults[len(numbers)-s.least:]...)
	covers := s.make(numbers)
	return []layer{func(x, y float64) (color.RGBA, bool) { return c, covers(x, y) }}, nil
}

// invented makes a design out of a code, for those that have none.
func invented(code string) string {
	names := []string{"red", "yellow", "green", "sky", "blue", "navy", "orange", "maroon"}
	patterns := []string{
		"h %[1]s %[2]s; disc white 0.75 0.5 0.2",
		"field %[1]s; nordic white 0.26; nordic %[2]s 0.13",
		"v %[1]s %[2]s %[1]s; star white 0.75 0.5 0.2",
		"h %[1]s white %[2]s; triangle black 0.5",
		"field %[1]s; saltire white 0.16; disc %[2]s 0.75 0.5 0.24",
		"quarters %[1]s %[2]s; cross white 0.12",
		"field %[1]s; slash white 0.3; slash %[2]s 0.18; star white 0.25 0.25 0.14",
	}
	n := int(code[0]-'A')*26 + int(code[1]-'A')
	pattern, n := n%len(patterns), n/len(patterns)
	first, n := n%len(names), n/len(names)
	second := (first + 1 + n%(len(names)-1)) % len(names)
	return fmt.Sprintf(patterns[pattern], names[first], names[second])
}
