package flagart

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/color"
	"image/gif"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func TestEveryCountryHasAFlagOfItsOwn(t *testing.T) {
	all := All()
	if len(all) != 249 {
		t.Errorf("%d countries, want the 249 of ISO 3166", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b Country) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("they are not in the order of their codes")
	}
	flags := map[string]string{}
	// Some do share a flag, or differ by what is too small for these pictures.
	twins := map[string]bool{"MC": true, "NO": true, "SJ": true}
	for _, c := range all {
		if len(c.Code) != 2 || c.Name == "" {
			t.Errorf("%+v", c)
		}
		data, err := c.GIF()
		if err != nil {
			t.Error(err)
			continue
		}
		if other, taken := flags[string(data)]; taken && !twins[c.Code] {
			t.Errorf("%s has the flag of %s", c.Name, other)
		}
		flags[string(data)] = c.Name
	}
}

func TestFlagsAreRecognised(t *testing.T) {
	for code, points := range map[string]map[[2]int]string{
		"DE": {{75, 10}: "black", {75, 50}: "red", {75, 90}: "yellow"},
		"FR": {{10, 50}: "blue", {75, 50}: "white", {140, 50}: "red"},
		"JP": {{75, 50}: "red", {5, 5}: "white"},
		"SE": {{55, 10}: "yellow", {140, 50}: "yellow", {10, 10}: "blue", {140, 90}: "blue"},
		"CH": {{75, 50}: "white", {75, 25}: "white", {75, 5}: "red", {10, 50}: "red"},
		"CZ": {{10, 50}: "blue", {140, 10}: "white", {140, 90}: "red"},
		"VN": {{75, 50}: "yellow", {75, 23}: "yellow", {60, 80}: "red", {10, 10}: "red"},
		"GB": {{75, 50}: "red", {75, 5}: "red", {4, 2}: "red", {40, 5}: "navy"},
		"AU": {{37, 25}: "red", {140, 90}: "navy"},
	} {
		c, ok := Lookup(code)
		if !ok {
			t.Errorf("no country %s", code)
			continue
		}
		data, err := c.GIF()
		if err != nil {
			t.Error(err)
			continue
		}
		picture, err := gif.Decode(bytes.NewReader(data))
		if err != nil {
			t.Error(err)
			continue
		}
		if again, _ := c.GIF(); !bytes.Equal(data, again) {
			t.Errorf("the flag of %s is another one each time", c.Name)
		}
		if b := picture.Bounds(); b.Dx() != pixels || b.Dy() != lines {
			t.Errorf("the flag of %s is %v", c.Name, b)
		}
		for at, want := range points {
			if got := picture.At(at[0], at[1]); got != color.Color(colours[want]) {
				t.Errorf("the flag of %s is %v at %v, want %s", c.Name, got, at, want)
			}
		}
	}
}

func TestAMistakeInADesignIsExplained(t *testing.T) {
	for design, want := range map[string]string{
		"":              `an empty layer in ""`,
		"h red white; ": `an empty layer in "h red white; "`,
		"wave red":      `"wave red": there is no layer "wave"`,
		"field pink":    `"field pink": there is no colour "pink"`,
		"h red pink":    `"h red pink": there is no colour "pink"`,
		"h red":         `"h red": it needs at least two colours`,
		"disc red 1 2":  `"disc red 1 2": it needs a colour and 3 numbers`,
		"cross red big": `"cross red big": "big" is no number`,
	} {
		if _, err := parse(design); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", design, err, want)
		}
	}
}

func TestTheFilesOfACountry(t *testing.T) {
	files := Files()
	data, err := fs.ReadFile(files, "de/de.gif")
	if err != nil || !bytes.HasPrefix(data, []byte("GIF8")) {
		t.Errorf("de/de.gif: %.10q, %v", data, err)
	}
	data, err = fs.ReadFile(files, "ci/metadata.json")
	var about struct{ Country, ISO_CC string }
	if failed := json.Unmarshal(data, &about); err != nil || failed != nil ||
		about.Country != "Côte d'Ivoire" || about.ISO_CC != "CI" {
		t.Errorf("ci/metadata.json: %q, %v, %v", data, err, failed)
	}
	for _, name := range []string{"zz/zz.gif", "de/fr.gif", "de", ".", "DE/DE.gif", "de/de.png",
		"x/de/de.gif"} {
		if _, err := fs.ReadFile(files, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fs.ReadFile(files, "../de/de.gif"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a bad name: %v", err)
	}
}
