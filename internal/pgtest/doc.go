// Package pgtest finds what tests need to start a PostgreSQL server.
package pgtest
