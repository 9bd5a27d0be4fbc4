// Package flagart makes flags: a small picture for each country, drawn from a line of text. They
// are simple enough to be drawn by a program and like enough to be recognised.
package flagart

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Country is a country, or something else that has a code of its own in ISO 3166.
type Country struct {
	Code string // two capital letters
	Name string

	design string
}

//go:embed countries.txt
var table string

// All returns the countries in the order of their codes. The slice is the caller's.
func All() []Country { return slices.Clone(countries()) }

// Lookup finds a country by its code.
func Lookup(code string) (Country, bool) {
	at, found := slices.BinarySearchFunc(countries(), code, func(c Country, code string) int {
		return strings.Compare(c.Code, code)
	})
	if !found {
		return Country{}, false
	}
	return countries()[at], true
}

var countries = sync.OnceValue(func() []Country {
	var all []Country
	for line := range strings.Lines(table) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "|")
		all = append(all, Country{Code: parts[0], Name: parts[1], design: parts[2]})
	}
	return all
})

// GIF returns the flag as a picture in the format GIF. It is the same every time.
func (c Country) GIF() ([]byte, error) {
	design := c.design
	if design == "" {
		design = invented(c.Code)
	}
	layers, err := parse(design)
	if err != nil {
		return nil, fmt.Errorf("the flag of %s: %w", c.Name, err)
	}
	return draw(layers)
}

// Metadata returns what there is to know about the country, as JSON.
func (c Country) Metadata() []byte {
	data, err := json.Marshal(map[string]string{"country": c.Name, "iso_cc": c.Code})
	if err != nil {
		panic(err) // two strings
	}
	return append(data, '\n')
}
