package flagkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aio-go/aio"
)

const (
	repaint   = 100 * time.Millisecond
	clearLine = "\r\x1b[K"
	barWidth  = 30
)

// withProgress runs download while a second task keeps a bar on w up to date. The bar is gone when
// withProgress returns. If w is nil, there is no bar.
func (job *Job) withProgress(
	ctx context.Context, w io.Writer, download func(context.Context, *Job) error,
) error {
	if w == nil || job.Verbose {
		return download(ctx, job)
	}
	defer io.WriteString(w, clearLine)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for {
				fmt.Fprintf(w, "%s%s", clearLine, job.progress())
				if err := aio.Sleep(ctx, repaint); err != nil {
					return err
				}
			}
		}, aio.Name("progress"))
		defer g.Cancel(errors.New("the downloads are over"))
		return download(ctx, job)
	})
}

// progress is the bar.
func (job *Job) progress() string {
	c := job.Count()
	all := len(job.Results)
	done := all - c.NotDone
	full := done * barWidth / max(all, 1)
	text := fmt.Sprintf("[%s%s] %d of %d, %d under way",
		strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done, all, job.now)
	if c.Failed > 0 {
		text += fmt.Sprintf(", %d failed", c.Failed)
	}
	return text
}
