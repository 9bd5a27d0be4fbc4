package aiosql

import "time"

// Collect sets how long rows are collected before those that are there are handed over.
func (db *DB) Collect(d time.Duration) { db.enough = d }

// MakeRow makes a row by hand.
func MakeRow(columns []string, values []any) Row { return Row{columns: columns, values: values} }
