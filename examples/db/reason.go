package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/aio-go/aio"
	"github.com/jackc/pgx/v5/pgconn"
)

// reason says in plain words what is wrong with the database.
func reason(err error) string {
	var (
		late   *aio.TimeoutError
		server *pgconn.PgError
		bad    *pgconn.ParseConfigError
	)
	switch {
	case errors.As(err, &late):
		return "a transfer took longer than " + late.After.String() + "; see -timeout"
	case errors.As(err, &bad):
		return "bad -url: " + bad.Error()
	case errors.As(err, &server):
		switch server.Code {
		case "28P01", "28000":
			return "the database does not let us in: " + server.Message
		case "3D000":
			return "there is no such database: " + server.Message
		case "57P01", "57P02", "57P03":
			return "the database shuts down or is not ready: " + server.Message
		}
		return "the database: " + server.Message
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist) &&
		strings.Contains(err.Error(), "dial"):
		return "no database listens there: " + strings.Join(strings.Fields(err.Error()), " ")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection to the database was lost"
	case errors.Is(err, context.DeadlineExceeded):
		return "the database does not answer"
	case strings.Contains(err.Error(), "unable to open database file"):
		return "the file cannot be opened: " + err.Error()
	}
	return err.Error()
}
