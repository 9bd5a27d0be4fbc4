package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/examples/internal/cli"
)

// inBank runs main with the bank that the flags name. Nothing may be reported.
func inBank(t *testing.T, flags []string, main func(ctx context.Context, b *bank) error) {
	t.Helper()
	s, err := parseFlags(flags)
	if err != nil {
		t.Fatal(err)
	}
	err = aio.Run(t.Context(), func(ctx context.Context) error {
		b, err := open(ctx, s)
		if err != nil {
			return err
		}
		defer b.close(context.WithoutCancel(ctx))
		return main(ctx, b)
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		t.Errorf("reported: %s: %v", r.Message, r.Err)
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// newFile returns the flags of a SQLite database that is not there yet.
func newFile(t *testing.T) []string {
	t.Helper()
	return []string{"-file", filepath.Join(t.TempDir(), "the bank?.db")}
}

// wantBalance fails the test unless the books balance, with so many transfers.
func wantBalance(t *testing.T, ctx context.Context, b *bank, transfers int) {
	t.Helper()
	found, err := b.audit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !found.balanced() || found.transfers != transfers {
		t.Errorf("the books are %+v, want %d transfers", found, transfers)
	}
}

func balance(ctx context.Context, b *bank, account int64) (int64, error) {
	return aiosql.One[int64](ctx, b.db, b.sql("SELECT cents FROM accounts WHERE id = ?1"), account)
}

// readLines takes the output of -json apart.
func readLines(t *testing.T, out string) (transfers []transfer, end result) {
	t.Helper()
	for line := range strings.Lines(out) {
		if !strings.HasSuffix(line, "\n") {
			break // the program was killed while it wrote
		}
		if strings.Contains(line, `"transfer"`) {
			var one transfer
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			transfers = append(transfers, one)
		} else if err := json.Unmarshal([]byte(line), &end); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
	}
	return transfers, end
}

// endless counts, in either database, for longer than anybody waits.
const endless = "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n " +
	"WHERE i < 10000000000) SELECT count(*) FROM n"

// testBank is what holds for a bank in any database. flags name one that is not there yet.
func testBank(t *testing.T, flags func(t *testing.T) []string) {
	t.Run("a transfer moves money", func(t *testing.T) {
		inBank(t, flags(t), func(ctx context.Context, b *bank) error {
			if err := b.transfer(ctx, &transfer{Source: 2, Target: 1, Cents: 250_00}); err != nil {
				return err
			}
			one, err := balance(ctx, b, 1)
			two, err2 := balance(ctx, b, 2)
			if one != 1250_00 || two != 750_00 {
				t.Errorf("the accounts have %d and %d", one, two)
			}
			wantBalance(t, ctx, b, 1)
			return errors.Join(err, err2)
		})
	})
	t.Run("a transfer without the money does nothing", func(t *testing.T) {
		inBank(t, flags(t), func(ctx context.Context, b *bank) error {
			for _, poor := range []transfer{{Source: 1, Target: 2, Cents: 1000_01},
				{Source: 2, Target: 1, Cents: 1000_01}} {
				if err := b.transfer(ctx, &poor); err != errPoor {
					t.Errorf("the transfer ended with %v", err)
				}
			}
			wantBalance(t, ctx, b, 0)
			return nil
		})
	})
	t.Run("a transfer that is cancelled in the middle does nothing", func(t *testing.T) {
		inBank(t, flags(t), func(ctx context.Context, b *bank) error {
			inside := aio.NewFuture[aio.None](ctx)
			task := aio.Start(ctx, func(ctx context.Context) error {
				return b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
					if err := b.move(ctx, tx, &transfer{Source: 1, Target: 2, Cents: 1}); err != nil {
						return err
					}
					inside.SetResult(aio.None{})
					return aio.Sleep(ctx, time.Hour)
				})
			})
			if _, err := inside.Await(ctx); err != nil {
				return err
			}
			task.Cancel(nil)
			if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("it ended with %v", err)
			}
			wantBalance(t, ctx, b, 0)
			return nil
		})
	})
	t.Run("a statement that takes too long is ended", func(t *testing.T) {
		inBank(t, flags(t), func(ctx context.Context, b *bank) error {
			err := aio.Timeout(ctx, 20*time.Millisecond, func(ctx context.Context) error {
				_, err := aiosql.One[int64](ctx, b.db, endless)
				return err
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it ended with %v", err)
			}
			wantBalance(t, ctx, b, 0)
			return nil
		})
	})
	t.Run("a statement that takes too long takes its transaction along", func(t *testing.T) {
		inBank(t, flags(t), func(ctx context.Context, b *bank) error {
			err := aio.Timeout(ctx, 200*time.Millisecond, func(ctx context.Context) error {
				return b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
					if err := b.move(ctx, tx, &transfer{Source: 1, Target: 2, Cents: 1}); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, b.sql("UPDATE accounts SET cents = cents + ("+endless+
						") WHERE id = ?1"), 3)
					return err
				})
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it ended with %v", err)
			}
			wantBalance(t, ctx, b, 0)
			return b.transfer(ctx, &transfer{Source: 1, Target: 2, Cents: 1})
		})
	})
	t.Run("rows that nobody wants are not waited for", func(t *testing.T) {
		inBank(t, flags(t), func(ctx context.Context, b *bank) error {
			err := b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				for id, err := range aiosql.Query[int64](ctx, tx, "SELECT id FROM accounts ORDER BY id") {
					if err != nil {
						return err
					}
					if id == 3 {
						break
					}
				}
				return b.move(ctx, tx, &transfer{Source: 1, Target: 2, Cents: 1}) // the transaction goes on
			})
			if err != nil {
				return err
			}
			wantBalance(t, ctx, b, 1)
			return nil
		})
	})
	t.Run("many transfers at once leave the books balanced", func(t *testing.T) {
		args := append(flags(t), "-json", "-accounts", "7", "-transfers", "120", "-tellers", "16")
		for run, sum := 1, 0; run <= 2; run++ { // the second goes on where the first ended
			got := db.Run(t.Context(), args...)
			transfers, end := readLines(t, got.Out)
			if got.Code != cli.OK || got.Err != "" || len(transfers) != end.Made ||
				end.Made+end.Refused != 120 || end.Made < 20 {
				t.Fatalf("run %d: %+v, %+v", run, end, got)
			}
			if sum += end.Made; !end.Balanced || end.Recorded != sum || end.Accounts != 7 ||
				end.Cents != 7*startCents {
				t.Errorf("run %d: %+v after %d transfers", run, end, sum)
			}
		}
	})
	t.Run("what a person reads", func(t *testing.T) {
		got := db.Run(t.Context(), append(flags(t), "-transfers", "50")...)
		if got.Code != cli.OK || got.Err != "" {
			t.Errorf("%+v", got)
		}
		for _, want := range []string{
			": 100000.00 in 100 accounts, 0 transfers on record\n", " of 50 transfers made, ",
			"The largest transfers of all:\n\n",
			"\nThe books balance: 100000.00 in 100 accounts, ",
		} {
			if !strings.Contains(got.Out, want) {
				t.Errorf("the output has no %q:\n%s", want, got.Out)
			}
		}
	})
}

func TestABankInSQLite(t *testing.T) { testBank(t, newFile) }

func TestWithoutAFileNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	if got := db.Run(t.Context(), "-transfers", "5"); got.Code != cli.OK ||
		!strings.HasPrefix(got.Out, "SQLite, a database of its own: ") {
		t.Errorf("%+v", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestBooksThatDoNotBalanceAreAFailure(t *testing.T) {
	flags := newFile(t)
	inBank(t, flags, func(ctx context.Context, b *bank) error {
		_, err := b.db.Exec(ctx, "UPDATE accounts SET cents = cents + 1 WHERE id = 3")
		return err
	})
	got := db.Run(t.Context(), append(flags, "-transfers", "0")...)
	if got.Code != cli.Failed ||
		!strings.Contains(got.Err, "account 3 has 1000.01; by its transfers it should have 1000.00") {
		t.Errorf("%+v", got)
	}
}

func TestProgressIsShownOnATerminalAlone(t *testing.T) {
	var out, err, line bytes.Buffer
	code := run(t.Context(), []string{"-transfers", "5"}, cli.Streams{
		Out:      &out,
		Err:      &err,
		Progress: &line,
	})
	if text := line.String(); code != cli.OK || !strings.HasPrefix(text, clearLine+
		"0 of 5 transfers made") || !strings.HasSuffix(text, clearLine) {
		t.Errorf("exit code %d, progress %q", code, text)
	}
}
