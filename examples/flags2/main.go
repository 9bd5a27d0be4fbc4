// Flags2 downloads the flags of countries, a few at a time, and counts what came of it.
//
//	go run ./examples/flags2                    the twenty countries with the most people
//	go run ./examples/flags2 -v -m 10 A B       every code that begins with A or B
//	go run ./examples/flags2 -a -error-rate .25 from a server that fails often
package main

import (
	"context"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/flagkit"
)

var program = flagkit.Program{
	Name: "flags2",
	About: `Flags2 downloads the flags of countries, a few at a time, and counts what came of it. It shows a bar on
a terminal, or a line for each code with -v.`,
	MaxReq:   5, // few, out of courtesy to the server
	Download: downloadMany,
}

func main() { program.Main() }

// downloadMany starts a task for each flag; the semaphore lets so many of them make a request at
// the same time. The group leaves none behind, in any case.
func downloadMany(ctx context.Context, job *flagkit.Job) error {
	semaphore := aiosync.NewSemaphore(job.MaxReq)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for _, r := range job.Results {
			g.Go(func(ctx context.Context) error {
				return job.Do(ctx, r, downloadOne(semaphore))
			}, aio.Name(r.Code))
		}
		return nil
	})
}

// downloadOne downloads one flag and returns the name of its file. The file is written outside the
// semaphore: the next request does not wait for the disk.
func downloadOne(semaphore *aiosync.Semaphore) flagkit.One {
	return func(ctx context.Context, job *flagkit.Job, r *flagkit.Result) (string, error) {
		image, err := getFlag(ctx, job, semaphore, r)
		if err != nil {
			return "", err
		}
		return r.Code + ".gif", job.Save(ctx, r.Code+".gif", image)
	}
}

// getFlag fetches the picture.
func getFlag(
	ctx context.Context, job *flagkit.Job, semaphore *aiosync.Semaphore, r *flagkit.Result,
) ([]byte, error) {
	if err := semaphore.Acquire(ctx); err != nil {
		return nil, err
	}
	defer semaphore.Release()
	cc := strings.ToLower(r.Code)
	return job.Get(ctx, r, cc+"/"+cc+".gif")
}
