package main

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
	"strings"
)

// keywords returns the keywords of Go that have at most so many letters, the shortest first.
func keywords(longest int) []string {
	var list []string
	for t := token.ILLEGAL; t <= token.VAR; t++ { // VAR is the last of the keywords
		if t.IsKeyword() && len(t.String()) <= longest {
			list = append(list, t.String())
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return list
}

// domainsOf returns the domains made of the keywords under a domain like "dev", ".com" or "COM.BR".
func domainsOf(tld string, longest int) ([]string, error) {
	tld = strings.ToLower(strings.Trim(tld, "."))
	for label := range strings.SplitSeq(tld, ".") {
		if err := checkLabel(label); err != nil {
			return nil, fmt.Errorf("%q is no domain: %w", tld, err)
		}
	}
	const longestName = 253
	var list []string
	for _, word := range keywords(longest) {
		if name := word + "." + tld; len(name) <= longestName {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%q is no domain: it is too long", tld)
	}
	return list, nil
}

// checkLabel checks one part of a domain.
func checkLabel(label string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	switch {
	case label == "":
		return fmt.Errorf("a part of it is empty")
	case len(label) > 63:
		return fmt.Errorf("a part of it has more than 63 letters")
	case strings.Trim(label, letters) != "":
		return fmt.Errorf("it may have letters, digits and hyphens; " +
			"others are written as in xn--p1ai")
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("a part of it begins or ends with a hyphen")
	}
	return nil
}
