package suite_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// limitSources says where the values of the table in docs/security.md are in the code: constants of
// a folder or, if there is no constant, text of a file.
var limitSources = map[string][]string{
	"stream.Limit": {"stream.DefaultLimit"},
	"transport.Transport.SetWriteBufferLimits": {"transport.defaultHigh", "transport.defaultLow"},
	"transport.ShutdownTimeout":                {"transport.defaultShutdownTimeout"},
	"transport.KeepAlive":                      {"transport.defaultKeepAlive"},
	"transport.HandshakeTimeout":               {"transport.defaultHandshakeTimeout"},
	"a turn of accepting connections":          {"transport.acceptTime"},
	"TLS handshake steps":                      {"transport.handshakeSteps"},
	"pieces of TLS data":                       {"transport.maxReads"},
	"answers of TLS itself":                    {"transport.maxOwed"},
	"http.Server.ReadHeaderTimeout":            {"aiohttp.defaultReadHeaderTimeout"},
	"http.Server.IdleTimeout":                  {"aiohttp.defaultIdleTimeout"},
	"http.Server.MaxHeaderBytes":               {"aiohttp.defaultMaxHeaderBytes"},
	"aiohttp.BodyTimeout":                      {"aiohttp.defaultBodyTimeout"},
	"aiohttp.MaxConnections":                   {"aiohttp.defaultMaxConnections"},
	"aiohttp.Server.Drain":                     {"aiohttp/server.go: Drain: 10 * time.Second"},
	"aiohttp.Client.Limit":                     {"aiohttp.defaultLimit"},
	"aiohttp.Client.Redirects":                 {"aiohttp.defaultRedirects"},
	"aiohttp.Client.MaxBody":                   {"aiohttp.defaultMaxBody"},
	"aiohttp.Client.MaxMemory":                 {"aiohttp.defaultMaxMemory"},
	"aiohttp.Client.MaxLine":                   {"aiohttp.defaultMaxLine"},
	"aiohttp.Retry.MaxWait":                    {"aiohttp/retry.go: most = 30 * time.Second"},
	"subprocess.Cmd.Limit":                     {"stream.DefaultLimit"},
	"subprocess.Cmd.OutputLimit":               {"subprocess.defaultOutput"},
	"subprocess.Cmd.Grace":                     {"subprocess.defaultGrace"},
	"subprocess.Cmd.Drain":                     {"subprocess.defaultDrain"},
	"the end of stderr":                        {"subprocess.tailSize"},
	"executor.MaxMessage":                      {"executor.defaultMessage", "executor.mostMessage"},
	"executor.StartTimeout":                    {"executor/pool.go: patience: time.Minute"},
	"aiofile.Limit":                            {"aiofile.defaultAll", "aiofile.defaultLine"},
	"aiofile.WithLimiter":                      {"aiofile.defaultLimit"},
	"aiter.ExitLimit":                          {"aiter.defaultExitLimit"},
	"aio.WithShutdown": {"loop_shutdown.go: drain: 0, grace: 10 * " +
		"time.Second"},
	"text of others":        {"internal/safetext.MaxLine", "internal/safetext.MaxLines"},
	"a line of a member":    {"examples/chat.longestLine"},
	"`-connections` of":     {"examples/internal/limits/limits.go: Connections: 1000"},
	"bytes of a robots.txt": {"examples/crawler.largestRobots", "examples/crawler.longestDelay"},
}

func TestTheLimitsInTheSecurityPageAreThoseOfTheCode(t *testing.T) {
	t.Chdir(root)
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		option, bounds, told := strings.Trim(cells[1], " `"), cells[1]+cells[2],
			strings.TrimSpace(cells[3])
		for row, sources := range limitSources {
			if option != row && (strings.HasPrefix(cells[1], " `") && !strings.HasPrefix(row, "`") ||
				!strings.Contains(bounds, row)) {
				continue
			}
			seen[row] = true
			for _, source := range sources {
				if file, code, is := strings.Cut(source, ": "); is {
					if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), code) {
						t.Errorf("%s: %s does not say %q any more, %v", row, file, code, err)
					}
					continue
				}
				v := constantOf(t, source)
				if forms := shown(v); !anyIn(told, forms) {
					t.Errorf("%s: the page says %q, %s is one of %q", row, told, source, forms)
				}
			}
		}
	}
	for row := range limitSources {
		if !seen[row] {
			t.Errorf("the table has no %s", row)
		}
	}
}

// anyIn reports whether one of the forms is in a list of values.
func anyIn(told string, forms []string) bool {
	for _, f := range forms {
		if strings.Contains(" "+strings.NewReplacer(",", " ", ";", " ").Replace(told)+" ", " "+f+" ") {
			return true
		}
	}
	return false
}

// shown is how a page may write a value: as a number, as bytes, as a time.
func shown(v int64) []string {
	forms := []string{fmt.Sprint(v)}
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if size := int64(1) << (10 * (i + 1)); v >= size && v%size == 0 {
			forms = append(forms, fmt.Sprint(v/size, " ", unit))
		}
	}
	if d := time.Duration(v); d >= time.Second && d%time.Second == 0 {
		forms = append(forms, fmt.Sprint(int64(d/time.Second), " s"))
		if n := int64(d / time.Minute); d%time.Minute == 0 {
			forms = append(forms, fmt.Sprint(n, " minute"), fmt.Sprint(n, " minutes"))
		}
	}
	if d := time.Duration(v); d >= time.Millisecond && d < time.Second && d%time.Millisecond == 0 {
		forms = append(forms, fmt.Sprint(int64(d/time.Millisecond), " ms"))
	}
	return forms
}

// constantOf evaluates the constant folder.name.
func constantOf(t *testing.T, source string) int64 {
	i := strings.LastIndexByte(source, '.')
	files, _ := filepath.Glob(filepath.Join(source[:i], "*.go"))
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				continue
			}
			for _, s := range decl.Specs {
				spec := s.(*ast.ValueSpec)
				for k, name := range spec.Names {
					if name.Name == source[i+1:] && k < len(spec.Values) {
						v, _ := constant.Int64Val(valueOf(t, spec.Values[k]))
						return v
					}
				}
			}
		}
	}
	t.Errorf("there is no constant %s", source)
	return -1
}

func valueOf(t *testing.T, e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.ParenExpr:
		return valueOf(t, e.X)
	case *ast.CallExpr: // a conversion
		return valueOf(t, e.Args[0])
	case *ast.SelectorExpr:
		units := map[string]time.Duration{
			"Millisecond": time.Millisecond,
			"Second":      time.Second,
			"Minute":      time.Minute,
			"Hour":        time.Hour,
		}
		return constant.MakeInt64(int64(units[e.Sel.Name]))
	case *ast.BinaryExpr:
		x, y := valueOf(t, e.X), valueOf(t, e.Y)
		if e.Op == token.SHL {
			n, _ := constant.Uint64Val(y)
			return constant.Shift(x, e.Op, uint(n))
		}
		return constant.BinaryOp(x, e.Op, y)
	}
	t.Fatalf("cannot evaluate %T", e)
	return nil
}
