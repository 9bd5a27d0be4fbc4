// Kv is a replicated store of keys and values: an odd number of nodes, of which one leads. What a
// majority of them has on disk is never lost.
//
//	NODES=a=127.0.0.1:7001,b=127.0.0.1:7002,c=127.0.0.1:7003
//	go run ./examples/kv -nodes $NODES -id a -dir /tmp      one of the nodes
//	go run ./examples/kv -nodes $NODES put colour green     a client
//
// node.go is what a node knows, store.go what it keeps, message.go what it says, raft.go how nodes
// agree, client.go how a program asks.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Kv is a replicated store of keys and values.

    kv -nodes NODES -id ID [-dir FOLDER]   be one of the nodes
    kv -nodes NODES get KEY                print the value of a key
    kv -nodes NODES put KEY VALUE          give a key a value
    kv -nodes NODES add KEY TEXT           append to the value of a key

    -nodes NODES   all nodes, as ID=HOST:PORT with commas between them
    -id ID         which of them this one is
    -dir FOLDER    where it keeps its file (default .)

Ctrl-C ends a node. Exit code: 0; 1 if it fails; 2 for a mistake in the command line.
`

func main() { os.Exit(run(context.Background(), os.Args[1:], cli.Standard())) }

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	flags := cli.Flags("kv")
	list := flags.String("nodes", "", "")
	id := flags.String("id", "", "")
	dir := flags.String("dir", ".", "")
	rest, err := cli.Parse(flags, args)
	var nodes map[string]string
	if err == nil {
		nodes, err = parseNodes(*list)
	}
	if err == nil && *id != "" && nodes[*id] == "" {
		err = fmt.Errorf("-id is %s, which is none of the nodes", *id)
	}
	if err != nil {
		return std.Usage("kv", usage, err)
	}
	if *id != "" {
		return std.Serve(ctx, "kv", func(ctx context.Context) error {
			return newNode(*id, nodes, *dir, usualPulse).run(ctx)
		})
	}
	op, err := parseOp(rest)
	if err != nil {
		return std.Usage("kv", usage, err)
	}
	code, err := cli.Run(ctx, func(ctx context.Context) error {
		c := newClient(fmt.Sprint(os.Getpid()), nodes)
		defer c.close()
		value, err := c.do(ctx, op)
		if err == nil {
			fmt.Fprintln(std.Out, value)
		}
		return err
	})
	if code == cli.Failed {
		return std.Fail("kv", err)
	}
	return code
}

func parseNodes(list string) (map[string]string, error) {
	nodes := map[string]string{}
	for _, one := range strings.Split(list, ",") {
		id, address, ok := strings.Cut(one, "=")
		if !ok || id == "" || address == "" {
			return nil, fmt.Errorf("-nodes has %q; write ID=HOST:PORT", one)
		}
		nodes[id] = address
	}
	return nodes, nil
}

func parseOp(words []string) (operation, error) {
	arguments := map[string]int{"get": 1, "put": 2, "add": 2}
	if len(words) == 0 || arguments[words[0]] == 0 || len(words) != 1+arguments[words[0]] {
		return operation{}, errors.New("say get KEY, put KEY VALUE or add KEY TEXT")
	}
	words = slices.Concat(words, []string{""})
	return operation{words[0], words[1], words[2]}, nil
}
