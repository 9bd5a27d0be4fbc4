package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Db is a bank: tellers move money between accounts, each time in a transaction of a database. In the end the
books must balance, also if the program, or the database, was killed in the middle.

    db                      in a SQLite database of its own, which is removed afterwards
    db -file bank.db        in this SQLite database, which is made if need be; a further run goes on with it
    db -url postgres://...  in PostgreSQL; a further run goes on as well

    -accounts N     open N accounts with 1000.00 each if there are none (default 100)
    -transfers N    try N transfers in all (default 1000)
    -tellers N      so many at the same time (default 8)
    -timeout TIME   give a transfer that long: 500ms, 10s (default 10s)
    -seed N         which transfers; the same number, the same transfers (default 1)
    -json           print one JSON object a line: for each transfer once it is committed
                    (transfer, from, to, cents), and in the end for all of them
                    (made, refused, accounts, cents, recorded, balanced, milliseconds)

A transfer is refused if there is not enough money; then nothing of it has happened. Ctrl-C ends the work: transfers
that are under way are rolled back.

Exit code: 0 if the books balance, 1 if not, or if the database failed, 2 for a mistake in the command line, 130
after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	file      string
	url       string
	accounts  int
	transfers int
	tellers   int
	timeout   time.Duration
	seed      uint64
	json      bool
}

// parseFlags reads the command line. For -help it returns flag.ErrHelp.
func parseFlags(args []string) (settings, error) {
	var s settings
	flags := cli.Flags("db")
	flags.StringVar(&s.file, "file", "", "")
	flags.StringVar(&s.url, "url", "", "")
	flags.IntVar(&s.accounts, "accounts", 100, "")
	flags.IntVar(&s.transfers, "transfers", 1000, "")
	flags.IntVar(&s.tellers, "tellers", 8, "")
	flags.DurationVar(&s.timeout, "timeout", 10*time.Second, "")
	flags.Uint64Var(&s.seed, "seed", 1, "")
	flags.BoolVar(&s.json, "json", false, "")
	rest, err := cli.Parse(flags, args)
	if err == nil {
		err = cli.NoArguments(rest)
	}
	switch {
	case err != nil:
		return s, err
	case s.accounts < 2:
		return s, fmt.Errorf("-accounts is %d; it must be at least 2", s.accounts)
	case s.transfers < 0:
		return s, fmt.Errorf("-transfers is %d; it must be at least 0", s.transfers)
	case s.tellers < 1:
		return s, fmt.Errorf("-tellers is %d; it must be at least 1", s.tellers)
	case s.timeout <= 0:
		return s, fmt.Errorf("-timeout is %v; it must be more than 0", s.timeout)
	case s.file != "" && s.url != "":
		return s, fmt.Errorf("-file and -url are both given; use one of them")
	case s.url != "" && !strings.HasPrefix(s.url, "postgres://") &&
		!strings.HasPrefix(s.url, "postgresql://"):
		return s, fmt.Errorf("-url must begin with postgres://; for a SQLite database use -file")
	}
	return s, nil
}
