// Command conformance counts which lines of docs/conformance.md have a test that passes.
//
// A test claims lines with a comment directly above it:
//
//	// Conformance: T-001, T-002 (with a remark).
//	func TestTasks...
//
// The command finds the claims and runs the tests of the packages that have some. It prints a line
// for each area, and then the lines that are not covered, with the reason that
// docs/conformance-reasons.txt gives. The last line is "covered N of M". Areas whose package does
// not exist yet do not count. It exits with 1 if the test of a claimed line failed, or if a claimed
// line does not exist. It exits with 2 if it could not do its work.
//
// Run it anywhere in the module:
//
//	go run ./internal/cmd/conformance [-json] [-area T,W] [-packages ./...]
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	asJSON := flag.Bool("json", false, "print the result as JSON")
	areas := flag.String("area", "", "comma-separated `areas` to look at; default: all")
	packages := flag.String("packages", "./...", "the `pattern` of the packages whose tests count")
	flag.Parse()
	r, err := count(*packages, *areas)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if *asJSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		_ = out.Encode(r)
	} else {
		r.print(os.Stdout)
	}
	if !r.ok() {
		os.Exit(1)
	}
}

func count(pattern, areas string) (*report, error) {
	module, root, err := moduleOf()
	if err != nil {
		return nil, err
	}
	c, reasons, err := documents(root)
	if err != nil {
		return nil, err
	}
	if areas != "" {
		only := strings.Split(areas, ",")
		c.areas = slices.DeleteFunc(c.areas, func(a string) bool {
			return !slices.Contains(only, a)
		})
	}
	list, err := goCommand(root, "list", "-f", "{{.ImportPath}}\t{{.Dir}}", pattern)
	if err != nil {
		return nil, err
	}
	claimed := claims{}
	var all, withClaims []string
	for _, entry := range strings.Split(strings.TrimSpace(string(list)), "\n") {
		pkg, dir, _ := strings.Cut(entry, "\t")
		all = append(all, pkg)
		own := claims{}
		if err := own.addDir(pkg, dir); err != nil {
			return nil, err
		}
		wanted := false
		for id, tests := range own {
			area, _, _ := strings.Cut(id, "-")
			wanted = wanted || slices.Contains(c.areas, area)
			for _, t := range tests {
				claimed.add(id, t)
			}
		}
		if wanted {
			withClaims = append(withClaims, pkg)
		}
	}
	ended := outcomes{}
	if len(withClaims) > 0 {
		events, err := goCommand(root, append([]string{"test", "-json"}, withClaims...)...)
		if len(events) == 0 && err != nil {
			return nil, err
		}
		if ended, err = parseEvents(bytes.NewReader(events)); err != nil {
			return nil, err
		}
	}
	claimed.addSubtests(ended)
	return makeReport(c, claimed, ended, reasons, existence(module, all)), nil
}

func moduleOf() (path, dir string, err error) {
	out, err := goCommand(".", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}")
	if err != nil {
		return "", "", err
	}
	for _, entry := range strings.Split(string(out), "\n") { // in a workspace there are several
		path, dir, _ := strings.Cut(strings.TrimSpace(entry), "\t")
		if _, err := os.Stat(filepath.Join(dir, "docs", "conformance.md")); err == nil &&
			dir != "" {
			return path, dir, nil
		}
	}
	return "", "", fmt.Errorf("no module with docs/conformance.md here; " +
		"run the command inside the repository")
}

func documents(root string) (*catalogue, map[string]string, error) {
	f, err := os.Open(filepath.Join(root, "docs", "conformance.md"))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	c, err := parseCatalogue(f)
	if err != nil {
		return nil, nil, err
	}
	why, err := os.Open(filepath.Join(root, "docs", "conformance-reasons.txt"))
	if os.IsNotExist(err) {
		return c, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	defer why.Close()
	reasons, err := parseReasons(why)
	return c, reasons, err
}

// goCommand runs the go command in dir and returns its output, also if it failed: go test fails
// when a test does.
func goCommand(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("go %s: %w\n%s", args[0], err, &complaint)
	}
	return out.Bytes(), nil
}
