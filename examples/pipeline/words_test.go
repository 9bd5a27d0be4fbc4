//go:build unix

package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestWordsAreQuotedAsForAShell(t *testing.T) {
	for line, want := range map[string][][]string{
		"sort":                        {{"sort"}},
		"  cat  f |sort|\tuniq -c ":   {{"cat", "f"}, {"sort"}, {"uniq", "-c"}},
		`a 'b | c' "d | e" f\|g`:      {{"a", "b | c", "d | e", "f|g"}},
		`a '' "" x''y`:                {{"a", "", "", "xy"}},
		`a "b\"c\\d\n" 'e\n' f\ g`:    {{"a", `b"c\d\n`, `e\n`, "f g"}},
		`awk '{print $1}' "it's"`:     {{"awk", "{print $1}", "it's"}},
		"printf '%s\\n' ü | tr a-z -": {{"printf", `%s\n`, "ü"}, {"tr", "a-z", "-"}},
	} {
		if got, err := parseStages(line); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, %v, want %q", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		"| a":       "no command before |",
		"a | | b":   "no command before |",
		"a |":       "no command at the end",
		"":          "no command at the end",
		"a 'b":      "a ' is not closed",
		`a "b`:      `a " is not closed`,
		`a \`:       "ends with a backslash",
		"a > b":     "'>' would mean something to a shell",
		"ls *":      "'*' would mean something to a shell",
		`a "$HOME"`: "'$' between double quotes",
	} {
		if got, err := parseStages(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want an error with %q", line, got, err, want)
		}
	}
}

func TestTheItemTakesItsPlaceInTheCommand(t *testing.T) {
	for _, c := range []struct {
		command string
		shell   bool
		want    []string
	}{
		{"gzip -k {}", false, []string{"gzip", "-k", "a b"}},
		{"cp {} '{}.bak'", false, []string{"cp", "a b", "a b.bak"}},
		{"wc -l", false, []string{"wc", "-l", "a b"}},
		{"wc -l < {} > {}.n", true, []string{"sh", "-c", `wc -l < "$1" > "$1".n`, "sh", "a b"}},
		{"wc -l <", true, []string{"sh", "-c", `wc -l < "$1"`, "sh", "a b"}},
	} {
		tmpl, err := newTemplate(c.command, c.shell)
		if err != nil {
			t.Fatal(err)
		}
		if got := tmpl.fill("a b"); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", c.command, got, c.want)
		}
	}
}
