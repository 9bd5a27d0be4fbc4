// Flags3 downloads the flags of countries and names the files after them: Germany.gif. That takes
// two requests for each, one for the picture and one for the name.
//
//	go run ./examples/flags3                    the twenty countries with the most people
//	go run ./examples/flags3 -v -m 10 A B       every code that begins with A or B
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/examples/internal/flagkit"
)

var program = flagkit.Program{
	Name: "flags3",
	About: `Flags3 downloads the flags of countries and names the files after them, as in Germany.gif: two requests
for each. It shows a bar on a terminal, or a line for each code with -v.`,
	MaxReq:   5, // few, out of courtesy to the server
	Download: downloadMany,
}

func main() { program.Main() }

// downloadMany starts a task for each flag.
func downloadMany(ctx context.Context, job *flagkit.Job) error {
	d := &downloader{job: job, semaphore: aiosync.NewSemaphore(job.MaxReq)}
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for _, r := range job.Results {
			g.Go(func(ctx context.Context) error { return job.Do(ctx, r, d.downloadOne) },
				aio.Name(r.Code))
		}
		return nil
	})
}

// downloader has what the tasks share.
type downloader struct {
	job       *flagkit.Job
	semaphore *aiosync.Semaphore
}

// downloadOne downloads one flag and returns the name of its file. The two requests are one after
// the other, and between them another task may have its turn: the semaphore counts requests, not
// flags.
func (d *downloader) downloadOne(
	ctx context.Context, job *flagkit.Job, r *flagkit.Result,
) (string, error) {
	cc := strings.ToLower(r.Code)
	image, err := d.get(ctx, r, cc+"/"+cc+".gif")
	if err != nil {
		return "", err
	}
	country, err := d.getCountry(ctx, r, cc)
	if err != nil {
		return "", err
	}
	name := fileName(country) + ".gif"
	return name, job.Save(ctx, name, image)
}

// getCountry asks for the name of a country.
func (d *downloader) getCountry(ctx context.Context, r *flagkit.Result, cc string) (string, error) {
	data, err := d.get(ctx, r, cc+"/metadata.json")
	if err != nil {
		return "", err
	}
	var metadata struct{ Country string }
	if err := json.Unmarshal(data, &metadata); err != nil {
		return "", fmt.Errorf("metadata.json: %w", err)
	}
	if fileName(metadata.Country) == "" {
		return "", fmt.Errorf("metadata.json: there is no name of the country in it")
	}
	return metadata.Country, nil
}

// get makes one request when there is room for it.
func (d *downloader) get(ctx context.Context, r *flagkit.Result, path string) ([]byte, error) {
	if err := d.semaphore.Acquire(ctx); err != nil {
		return nil, err
	}
	defer d.semaphore.Release()
	return d.job.Get(ctx, r, path)
}

// fileName makes a file's name of a country's. It comes from the network, so nothing in it may lead
// to another folder or hide the file.
func fileName(country string) string {
	name := strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '_'
		case unicode.IsLetter(c), unicode.IsMark(c), unicode.IsDigit(c),
			strings.ContainsRune("-_().,'", c):
			return c
		}
		return -1
	}, country)
	const longest = 100 // runes, well below what any system allows
	if runes := []rune(name); len(runes) > longest {
		name = string(runes[:longest])
	}
	return strings.TrimLeft(name, ".")
}
