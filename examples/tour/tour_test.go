package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func tour(args ...string) clitest.Outcome {
	return clitest.Program(run).Run(context.Background(), args...)
}

// difference is a piece of an original's output that cannot be the same here, and what there is in
// its place.
type difference struct {
	program string // "" is all of them
	theirs  string // a regular expression
	ours    string
}

var differences = []difference{
	// the times before the lines of the lab
	{"", `\w{3} \w{3} \d\d \d\d:\d\d:\d\d \d{4} `, ""},
	// virtual time is exact
	{"", `countsync\.py executed in 3\.0\d`, "countsync executed in 3.00"},
	// the same
	{"", `countasync\.py executed in 1\.0\d`, "countasync executed in 1.00"},
	// a coroutine is a function
	{"nested", `<coroutine object nestedf at 0x\w+>`, "func(context.Context) (int, error)"},
	{"coroutine", `<class 'coroutine'>`, "func(context.Context) error"}, // the same
	// a function that is not called is no mistake
	{"coroutine", `sys:1: RuntimeWarning: .*\n`, ""},
	{"functions", `<class 'function'>`, "func(context.Context) (int, error)"},
	{"functions", `<class 'coroutine'>`, "*coro.Coroutine[struct {},struct {},int]"},
	{"results", `\['prva', 'druga'\]`, "[prva druga]"},
	{"settled", `\['prva', 'druga', ValueError\(\)\]`, "[prva druga ValueError]"},
	{"await", `^$`, "123\n"}, // the original hands it to nobody
	// an exception there, the end of the coroutine here
	{"throw", `Traceback .*\n.*line 1.*\n`, ""},
	{"many-tasks", `^$`, "task 0\ntask 1\ntask 2\n"}, // the original is not finished
	// the lab's words differ from the guide's
	{"lab-gather", `main starting\.`, "main starting"},
	{"lab-gather", `(?m)^task (\d) exec`, ">task $1 exec"},    // the same
	{"lab-to-thread", `Task starting\.\.\.`, "Task starting"}, // the same
	{"new-loop", `<_UnixSelectorEventLoop running=False closed=False debug=False>`,
		"<Loop running=false closed=false debug=false>"},
	{"current-task", `<Task pending name='Task-1' coro=<main\(\) running at \.\.\.> cb=\[.*\]>`,
		"<Task main pending FILE>"},
	// what is cancelled is a task that waits
	{"shield", `<Future cancelled>`, "<Task shielded cancelled by task Task-4 at FILE FILE>"},
	{"shield", `<Task finished name='Task-2' coro=.* result=1>`, "<Task Task-2 finished result=1>"},
	{"in-order", `(?m)^ `, ""}, // one line is indented there
	{"as-dict", `[{}',]|\n`, ""},
	{"as-dict", `(\S+): (True|False) ?`, "$1: $2\n"}, // ours is sorted, a line each
	{"as-set", `[{}']`, ""},
	{"as-set", `, `, "\n"}, // the same
	{"exec", `<Process 50249>`, "<Process echo, pid NUMBER, exit status 0>"},
	{"shell", `<Process 43916>`, "<Process sh, pid NUMBER, running>"},
	{"all-tasks", `Task-1, <coroutine object main at 0x\w+>`, "main, <Task main pending FILE>"},
	{"all-tasks", `(Task-\d+), <coroutine object task_coroutine at 0x\w+>`,
		"$1, <Task $1 pending in Sleep FILE>"},
}

// asOurs turns what an original prints into what is to be expected here.
func asOurs(program, theirs string) string {
	for _, d := range differences {
		if d.program == "" || d.program == program {
			theirs = regexp.MustCompile(d.theirs).ReplaceAllString(theirs, d.ours)
		}
	}
	if program == "all-tasks" { // a set there; here the order of creation
		lines := strings.SplitAfter(theirs, "\n")
		slices.SortStableFunc(lines[11:], func(a, b string) int {
			return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
		})
		theirs = strings.Join(lines, "")
	}
	if program == "as-dict" || program == "as-set" {
		lines := strings.SplitAfter(strings.TrimRight(theirs, "\n")+"\n", "\n")
		slices.Sort(lines)
		theirs = strings.Join(lines, "")
	}
	return theirs
}

var (
	place = regexp.MustCompile(`\w+\.go:\d+`)
	pid   = regexp.MustCompile(`pid \d+`)
)

// randomly are the random numbers of the originals, in the order in which the programs ask for
// them.
var randomly = map[string][]float64{
	"wait": {
		0.15462838864295925, 0.9577302665040541, 0.6984682905809402, 0.827386088873161,
		0.9481344994700972,
		0.0591009105682192, 0.4103492027393125, 0.7785363531316224, 0.10453715687017351,
		0.45567100006991623,
	},
	"lab-wait": {
		0.7130917658727823, 0.06272708357096457, 0.8881288694371754, 0.5542213402968057,
		0.7485573996352604,
		0.7802128788125767, 0.8736479282730453, 0.7169015805286069, 0.8909549946543802,
		0.6969553002921544,
	},
	"wait-for":     {-0.314624775200679}, // the guide shows the output of an earlier version
	"lab-wait-for": {0.9568179927895635},
}

// TestEachProgramPrintsWhatTheOriginalPrints runs every program, and those of the lab a second time
// with times before the lines. The differences that there have to be are listed above.
func TestEachProgramPrintsWhatTheOriginalPrints(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			theirs, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			program, times := strings.CutPrefix(name, "lab-")
			p := byName(program)
			if p == nil {
				t.Fatalf("there is no program %s", program)
			}
			tested[program] = true
			var out strings.Builder
			s := newShow(&out, settings{times: times})
			numbers := randomly[name]
			s.random = func() float64 {
				next := numbers[0]
				numbers = numbers[1:]
				return next
			}
			if err := p.run(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			got := out.String()
			if times {
				got = withoutTimes(t, got)
			}
			got = pid.ReplaceAllString(place.ReplaceAllString(got, "FILE"), "pid NUMBER")
			if want := asOurs(name, string(theirs)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	for _, p := range programs {
		if !tested[p.name] {
			t.Errorf("there is no testdata/%s.txt", p.name)
		}
	}
}

// withoutTimes takes the times off the lines, each of which must have one.
func withoutTimes(t *testing.T, text string) string {
	t.Helper()
	at := regexp.MustCompile(`^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} `)
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if line != "" && !at.MatchString(line) {
			t.Errorf("no time before %q", line)
		}
		lines[i] = at.ReplaceAllString(line, "")
	}
	return strings.Join(lines, "")
}

func TestEachProgramIsListedWithItsText(t *testing.T) {
	listing := tour()
	if listing.Code != cli.OK {
		t.Fatalf("exit code %d", listing.Code)
	}
	seen := map[string]bool{}
	for _, p := range programs {
		if seen[p.name] {
			t.Errorf("there are two programs %s", p.name)
		}
		seen[p.name] = true
		if len(p.from) == 0 || p.about == "" || (p.main == nil) == (p.plain == nil) {
			t.Errorf("%s is not complete", p.name)
		}
		for _, f := range p.from {
			if !slices.Contains(texts, f.text) {
				t.Errorf("%s is from %q, which is not one of the texts", p.name, f.text)
			}
			if !strings.Contains(listing.Out, f.section) {
				t.Errorf("the list does not have %s: %s", p.name, f.section)
			}
		}
		if !strings.Contains(listing.Out, "  "+p.name+" ") || !strings.Contains(listing.Out, p.about) {
			t.Errorf("the list does not have %s: %s", p.name, p.about)
		}
	}
}

func TestSeveralProgramsHaveHeadings(t *testing.T) {
	want := "--- nested-task: the same as a task\n42\n\n--- send: how a coroutine is driven, and " +
		"how its result comes out\nThe answer was: 123\n"
	if got := tour("nested-task", "send"); got != (clitest.Outcome{Out: want}) {
		t.Errorf("%+v", got)
	}
}

func TestAWrongCommandLineSaysWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"quine":       `there is no program "quine"; tour without arguments lists them`,
		"nest":        `there is no program "nest"; there is nested, nested-task`,
		"hello -fast": "flag provided but not defined: -fast",
		"hello -all":  "-all and hello do not go together",

		"-source quine":               `there is no program "quine"; tour without arguments lists them`,
		"-python nest":                `there is no program "nest"; there is nested, nested-task`,
		"-source":                     "-source and -python take one program, not 0",
		"-python hello await":         "-source and -python take one program, not 2",
		"-source -python hello":       "-source and -python do not go together",
		"-net hello":                  "hello uses no network, so there is no -net for it",
		"-net":                        "-net needs the name of a program",
		"-net -source fetch sesssion": `there is no program "sesssion"; there is session`,
	} {
		got := tour(strings.Fields(args)...)
		if got != (clitest.Outcome{Code: cli.BadUsage, Err: "tour: " + want + "\nTry tour -help.\n"}) {
			t.Errorf("tour %s: %+v, want %q", args, got, want)
		}
	}
}

func TestHelpIsNotAnError(t *testing.T) {
	if got := tour("-help"); got != (clitest.Outcome{Out: usage}) {
		t.Errorf("%+v", got)
	}
}

func TestTheRealClockIsWaitedFor(t *testing.T) {
	if got := tour("-real", "wait-for"); got.Code != cli.OK ||
		!strings.HasSuffix(got.Out, "Gave up waiting, task canceled\n") {
		t.Errorf("%+v", got)
	}
}

// TestTheTableOfTheTextsHasEveryProgram reads docs/seeds.md, which has a table for each text.
func TestTheTableOfTheTextsHasEveryProgram(t *testing.T) {
	page, err := os.ReadFile("../../docs/seeds.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		for _, f := range p.from {
			_, table, found := strings.Cut(string(page), "\n### "+f.text+"\n")
			if !found {
				t.Fatalf("docs/seeds.md has no table for %s", f.text)
			}
			table, _, _ = strings.Cut(table, "\n#")
			if !strings.Contains(table, "| "+f.section+" | `tour "+p.name+"`, ") {
				t.Errorf("docs/seeds.md does not have %s under %s: %s", p.name, f.text, f.section)
			}
		}
	}
}
