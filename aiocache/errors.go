package aiocache

import (
	"context"

	"github.com/aio-go/aio/internal/errtree"
)

func misuse(op, problem string) string { return "aiocache: " + op + ": " + problem }

func isCancellation(err error) bool { return errtree.Is(err, context.Canceled) }
