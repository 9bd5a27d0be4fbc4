// Flags downloads the flags of countries, all at once.
//
//	go run ./examples/flags               the twenty countries with the most people
//	go run ./examples/flags -a -o flags   all of them
//
// It is the first of three: flags2 keeps a limit with a semaphore and counts results as they come,
// flags3 makes two requests for each flag. What they share is in examples/internal/flagkit.
package main

import (
	"context"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/flagkit"
)

var program = flagkit.Program{
	Name:     "flags",
	About:    "Flags downloads the flags of countries, all at once.",
	Download: downloadMany,
}

func main() { program.Main() }

// downloadMany downloads all flags at the same time. With -m, Map starts the next when one is done.
func downloadMany(ctx context.Context, job *flagkit.Job) error {
	_, err := aio.Map(ctx, job.Results,
		func(ctx context.Context, r *flagkit.Result) (aio.None, error) {
			err := job.Do(ctx, r, downloadOne)
			job.Announce(r)
			return aio.None{}, err
		}, aio.Limit(job.MaxReq))
	return err
}

// downloadOne downloads one flag and returns the name of its file.
func downloadOne(ctx context.Context, job *flagkit.Job, r *flagkit.Result) (string, error) {
	cc := strings.ToLower(r.Code)
	image, err := job.Get(ctx, r, cc+"/"+cc+".gif")
	if err != nil {
		return "", err
	}
	return r.Code + ".gif", job.Save(ctx, r.Code+".gif", image)
}
