package main

import (
	"context"

	"github.com/aio-go/aio/subprocess"
)

// echo starts a program whose output we read.
func echo(ctx context.Context, cmd *subprocess.Cmd) (process *subprocess.Process, err error) {
	cmd.Stdout = subprocess.Pipe
	return cmd.Start(ctx)
}

// runDirectly runs a program.
func runDirectly(ctx context.Context, s *show) error {
	process, err := echo(ctx, subprocess.Command("echo", "Hello World"))
	if err != nil {
		return err
	}
	defer process.Close()
	out, _, err := process.Communicate(ctx, nil)
	if err != nil {
		return err
	}
	s.print(string(out))
	s.println("subprocess:", process)
	return nil
}

// runInShell lets the shell run it.
func runInShell(ctx context.Context, s *show) error {
	process, err := echo(ctx, subprocess.Shell("echo Hello World"))
	if err != nil {
		return err
	}
	defer process.Close()
	s.println("subprocess:", process)
	out, _, err := process.Communicate(ctx, nil)
	if err != nil {
		return err
	}
	s.print(string(out))
	return nil
}
