package gosh

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// script is an editor that types lines. A line "wait for TEXT" waits until the output has TEXT.
type script struct {
	lines    []string
	out      *screen
	complete func(word string) []string
	history  []string
}

func (s *script) Line(string) (string, error) {
	for len(s.lines) > 0 {
		line := s.lines[0]
		s.lines = s.lines[1:]
		if text, found := strings.CutPrefix(line, "wait for "); found {
			s.out.waitFor(text)
			continue
		}
		if line == "^C" {
			return "", ErrAborted
		}
		return line, nil
	}
	return "", io.EOF
}

func (s *script) Remember(input string)                  { s.history = append(s.history, input) }
func (s *script) Complete(fn func(word string) []string) { s.complete = fn }

// screen is what the session has written.
type screen struct {
	mu   sync.Mutex
	more *sync.Cond
	text bytes.Buffer
}

func newScreen() *screen {
	s := &screen{}
	s.more = sync.NewCond(&s.mu)
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.more.Broadcast()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) waitFor(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := false
	defer time.AfterFunc(time.Minute, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.more.Broadcast()
	}).Stop()
	for !strings.Contains(s.text.String(), text) {
		if late {
			panic("there is no " + text + " on the screen:\n" + s.text.String())
		}
		s.more.Wait()
	}
}

// play runs a session that types text, and returns what it writes.
func play(t *testing.T, text string, opts ...aio.Option) string {
	t.Helper()
	out := newScreen()
	s := Console{
		Editor: &script{lines: strings.Split(strings.TrimSpace(text), "\n"), out: out},
		Out:    out, Errs: out, Quiet: true,
	}
	if err := s.Run(t.Context(), opts...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out.String()
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); got != want {
		t.Errorf("it wrote:\n%s\nwant:\n%s", got, want)
	}
}

func TestNamesStayBetweenInputsAndExpressionsAreShown(t *testing.T) {
	expect(t, play(t, `
x := 3
x + 4
x = 5
x; x * 2
type R struct { Name string; N int }
func double(r R) R {
	return R{r.Name, 2 * r.N}
}
double(R{"a", x})
func pair() (int, error) { return 1, nil }
pair()
func failing() (int, error) { return 0, errors.New("no luck") }
failing()
strings.ToUpper("text")
fmt.Println("printed")
var a, b = 1, 2
a, b = b, a
[]int{a, b}
1 +
	2
if x > 3 { fmt.Println("large") }
for i := 0; i < 2; i++ {
	fmt.Println("turn", i)
}
func() { fmt.Println("called once") }()
x
double
`), `
7
5
10
{Name:a N:10}
1
error: no luck
"TEXT"
printed
[2 1]
3
large
turn 0
turn 1
called once
5
func(struct { Name string; N int }) struct { Name string; N int }
`)
}

func TestAwaitsWorkAtTopLevel(t *testing.T) {
	expect(t, play(t, `
aio.Sleep(ctx, time.Hour)
task := aio.CreateTask(ctx, func(ctx context.Context) (string, error) { return "done", aio.Sleep(ctx, time.Second) }, aio.Name("worker"))
task.Done()
task.Await(ctx)
q := aiosync.NewQueue(0)
q.Put(ctx, 3)
q.Get(ctx)
double := func(ctx context.Context, n int) (int, error) { return 2 * n, aio.Yield(ctx) }
aio.Map(ctx, []int{1, 2, 3}, double)
aio.All(ctx, aio.Bind(double, 4), func() string { return "no context" })
aio.Timeout(ctx, time.Second, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }) != nil
aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
	g.Go(func(ctx context.Context) error { fmt.Println("in a group"); return nil })
	return nil
})
done, pending, err := aio.Wait(ctx, aio.FirstCompleted, task)
len(done)
loop := aio.RunningLoop(ctx)
handle := loop.CallSoon(func() { fmt.Println("called") }); aio.Yield(ctx)
var lock aiosync.Lock
lock.Acquire(ctx)
lock.Locked()
aio.ToThread(ctx, func(ctx context.Context) (int, error) { return 42, nil })
`, aio.WithClock(aio.NewVirtualClock())), `
false
"done"
3
[2 4 6]
[8 no context]
true
in a group
1
called
true
42
`)
}

func TestTasksGoOnWhileOneTypes(t *testing.T) {
	expect(t, play(t, `
ticker := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
	for i := 0; i < 3; i++ {
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
		fmt.Println("tick", i)
	}
	return 3, nil
})
wait for tick 2
fmt.Println("typed")
ticker.Await(ctx)
`), `
tick 0
tick 1
tick 2
typed
3
`)
}

func TestMistakesLeaveTheSessionAlone(t *testing.T) {
	expect(t, play(t, `
undefinedName
x := 1
for range 3 { x++ }
x.y
panic("no")
panic(fmt.Errorf("wrapped: %w", io.EOF))
func broken() { panic("inside") }
broken()
[]int{1}[x+3]
runtime.Goexit()
defer fmt.Println("never")
return
aio.CreateTask(ctx, 3)
)
aio.Sleep(context.Background(), 1)
func unfinished() {
^C
x
`), `
error: undefined: undefinedName
error: the interpreter cannot do this; it knows no range over numbers and functions (write for i := 0; i < n; i++, or aiter.ForEach), and no min, max and clear: nil type
error: undefined selector: y
error: panic: no
error: panic: wrapped: EOF
error: panic: inside
error: panic: reflect: slice index out of range
error: aio: task input was ended by runtime.Goexit (t.Fatal and t.FailNow call it)
error: there is no function around return, defer, goto, break and continue here
error: there is no function around return, defer, goto, break and continue here
error: panic: aio: CreateTask: int is no function for a task; it has to be func(ctx context.Context) (T, error)
error: expected statement, found ')'
error: panic: aio: Sleep: no running event loop: this context does not come from a task; start with aio.Run and pass on the context that your function gets; in a handler of net/http mount it by aiohttp.OnLoop, on other goroutines call Submit
1
`)
}

func TestAnInputGoesOnWhileSomethingIsOpen(t *testing.T) {
	for src, want := range map[string]bool{
		"x": false, "f(": true, "f(\n)": false, "if x {": true, "x :=": true, "x +": true, "x++": false,
		"`raw": true, "`raw`": false, "/* c": true, "x // {": false, `"("`: false, "": false, "}": false,
		"a.": true, "[]int{1,": true,
	} {
		if got := incomplete(src); got != want {
			t.Errorf("incomplete(%q) is %t", src, got)
		}
	}
}

func TestWordsAreCompleted(t *testing.T) {
	out := newScreen()
	ed := &script{out: out, lines: []string{
		"number := 1", "func numerous() {}", "type numeral struct{}", "q := aiosync.NewQueue(0)", "fmt.Println(`ready`)",
	}}
	asking := &asking{script: ed, words: map[string]string{
		"num": "number numeral numerous", "aio.CreateT": "aio.CreateTask", "q.GetN": "q.GetNowait",
		"strings.Fi": "strings.Fields strings.FieldsFunc", "nothing": "", "fm": "fmt", "x.y.z": "",
	}, t: t}
	s := Console{Editor: asking, Out: out, Errs: out, Quiet: true}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !asking.asked || len(ed.history) != 5 || ed.history[0] != "number := 1" {
		t.Errorf("asked: %t, the history is %q", asking.asked, ed.history)
	}
}

// asking asks for completions, as a terminal does, while it reads the last line.
type asking struct {
	*script
	words map[string]string
	asked bool
	t     *testing.T
}

func (a *asking) Line(prompt string) (string, error) {
	if len(a.lines) == 0 && !a.asked {
		a.asked = true
		for word, want := range a.words {
			if got := strings.Join(a.complete(word), " "); got != want {
				a.t.Errorf("%s is completed to %q, want %q", word, got, want)
			}
		}
	}
	return a.script.Line(prompt)
}

func TestFilesAreEvaluatedFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lib.go")
	text := "package main\n\nimport \"context\"\n\nfunc Answer(ctx context.Context) (int, error) { return 42, nil }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := newScreen()
	s := Console{Editor: &script{lines: []string{"Answer(ctx)"}}, Out: out, Errs: out, Quiet: true, Files: []string{file}}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, out.String(), "42\n")
	s.Files = []string{"no such file"}
	if err := s.Run(t.Context()); !os.IsNotExist(err) && !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that is missing: %v", err)
	}
}

func TestTheSymbolsAreThoseOfTheAPI(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	file := filepath.Join(t.TempDir(), "symbols.txt") // go run takes .go for a source
	if out, err := exec.CommandContext(t.Context(), "go", "run", "gen.go", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile("symbols.go"); !bytes.Equal(got, want) {
		t.Error("symbols.go is out of date: go run gen.go")
	}
}

// Every function with type parameters that is offered is one of any.
func TestTheOfferedFunctionsAreOnesOfAny(t *testing.T) {
	i, err := newInterpreter(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for pkg, names := range generic {
		for name := range names {
			if _, twice := plain[pkg][name]; twice {
				t.Errorf("%s.%s is there twice", pkg, name)
			}
			if _, err := i.compile(pkg + "." + name); err != nil && !strings.Contains(err.Error(), "is not an expression") {
				if _, err := i.compile("var _ *" + pkg + "." + name); err != nil {
					t.Errorf("%s.%s: %v", pkg, name, err)
				}
			}
		}
	}
}
