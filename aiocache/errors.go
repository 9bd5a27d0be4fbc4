package aiocache

import (
	"context"
	"errors"
)

func misuse(op, problem string) string { return "aiocache: " + op + ": " + problem }

func isCancellation(err error) bool { return errors.Is(err, context.Canceled) }
