package gosh

import (
	"testing"

	"github.com/aio-go/aio"
)

// domainlib is what the sessions import: probe asks whether a domain exists, and multiProbe yields the
// answers as they come.
const domainlib = `
type Result struct { Domain string; Found bool }
func probe(ctx context.Context, domain string) (Result, error) {
	delay := map[string]time.Duration{"golang.org": 1, "python.org": 2, "no-lang.invalid": 3, "rust-lang.org": 4}
	if err := aio.Sleep(ctx, delay[domain] * time.Second); err != nil {
		return Result{}, err
	}
	return Result{domain, !strings.HasSuffix(domain, ".invalid")}, nil
}
func multiProbe(ctx context.Context, domains []string) aio.Seq {
	return aiter.Generate(ctx, func(ctx context.Context, yield func(any) bool) error {
		tasks := []*aio.Task{}
		for _, domain := range domains {
			tasks = append(tasks, aio.CreateTask(ctx, aio.Bind(probe, domain)))
		}
		return aiter.ForEach(aio.AsCompleted(ctx, tasks), func(result any) error {
			yield(result)
			return nil
		})
	})
}
`

// The four console sessions of "Async IO" (asynchronous comprehensions) under python -m asyncio.
func TestTheConsoleSessionsOfAsyncIO(t *testing.T) {
	sessions := []struct{ name, typed, want string }{
		{"an asynchronous generator expression", `
names := strings.Fields("python.org rust-lang.org golang.org no-lang.invalid")
genFound := aiter.Filter(ctx, multiProbe(ctx, names), func(ctx context.Context, r any) (bool, error) { return r.(Result).Found, nil })
genFound
aiter.ForEach(genFound, func(r any) error { fmt.Println(r.(Result).Domain); return nil })
`, `
iter.Seq2[interface {},error]
golang.org
python.org
rust-lang.org
`},
		{"gather, and a list comprehension that awaits", `
names := strings.Fields("python.org rust-lang.org golang.org no-lang.invalid")
sort.Strings(names)
coros := []any{}
for _, name := range names { coros = append(coros, aio.CreateTask(ctx, aio.Bind(probe, name))) }
aio.Gather(ctx, coros...)
list := []Result{}
for _, name := range names {
	r, err := probe(ctx, name)
	if err != nil { panic(err) }
	list = append(list, r)
}
list
`, `
[{Domain:golang.org Found:true} {Domain:no-lang.invalid Found:false} {Domain:python.org Found:true} {Domain:rust-lang.org Found:true}]
[{Domain:golang.org Found:true} {Domain:no-lang.invalid Found:false} {Domain:python.org Found:true} {Domain:rust-lang.org Found:true}]
`},
		{"an asynchronous dict comprehension", `
names := strings.Fields("python.org rust-lang.org golang.org no-lang.invalid")
aiter.CollectMap(multiProbe(ctx, names), func(r any) (any, any) { return r.(Result).Domain, r.(Result).Found })
`, `
map[golang.org:true no-lang.invalid:false python.org:true rust-lang.org:true]
`},
		{"a set comprehension that awaits in its condition", `
names := strings.Fields("python.org rust-lang.org golang.org no-lang.invalid")
set := map[string]bool{}
for _, name := range names {
	if r, err := probe(ctx, name); err == nil && r.Found { set[name] = true }
}
set
`, `
map[golang.org:true python.org:true rust-lang.org:true]
`},
	}
	for _, s := range sessions {
		t.Run(s.name, func(t *testing.T) {
			expect(t, play(t, domainlib+s.typed, aio.WithClock(aio.NewVirtualClock())), s.want)
		})
	}
}
