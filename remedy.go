package aio

import "strings"

// remedies say what holds up the loop, and what to use instead, by the beginning of a function's name as a stack shows it. The first that
// is found anywhere in the step that blocks counts.
var remedies = []struct{ fn, text string }{
	{"net/http.(*Client).", "a request; use a Client of aiohttp"},
	{"net/http.(*Transport).", "a request; use a Client of aiohttp"},
	{"database/sql.", "a query; use package aiosql"},
	{"os/exec.(*Cmd).", "a child process; use package subprocess"},
	{"net.", "a connection; use package stream"},
	{"os.(*File).", "a file; use package aiofile, or ToThread"},
	{"sync.(*Once).", "sync.Once; move what it runs into ToThread"},
	{"sync.(*Mutex).", "sync.Mutex.Lock; use aio.Lock, which lets other tasks run meanwhile" + orLibrary},
	{"sync.(*RWMutex).", "sync.RWMutex; use aio.RWLock, which lets other tasks run meanwhile" + orLibrary},
	{"sync.(*WaitGroup).", "sync.WaitGroup.Wait; start the tasks in an aio.Group, which waits for them" + orLibrary},
	{"sync.(*Cond).", "sync.Cond.Wait; use aio.Condition" + orLibrary},
	{"time.Sleep", "time.Sleep; use aio.Sleep" + orLibrary},
}

// stateRemedies are those for channels, by the beginning of the goroutine's state.
var stateRemedies = []struct{ state, text string }{
	{"chan receive", "a receive from a channel; use aio.Recv" + orLibrary},
	{"chan send", "a send to a channel; use aio.Send" + orLibrary},
	{"select", "a select; use aio.Select" + orLibrary},
}

const orLibrary = ", or ToThread if a library makes the call"

// remedy returns the end of the sentence that the loop is held up.
func (g *goroutineStack) remedy() string {
	step := g.frames
	for i, f := range step {
		if strings.HasPrefix(f.fn, "github.com/aio-go/aio.(") {
			step = step[:i] // below it is what made the step
			break
		}
	}
	for _, r := range remedies {
		for _, f := range step {
			if strings.HasPrefix(f.fn, r.fn) {
				return " by " + r.text
			}
		}
	}
	for _, r := range stateRemedies {
		if strings.HasPrefix(g.state, r.state) {
			return " by " + r.text
		}
	}
	return "; move what blocks into ToThread, and long computations too"
}
