package main

import (
	"embed"
	"fmt"
)

// What the programs are in asyncio.
//
//go:embed python/*.py
var inAsyncio embed.FS

// inPython returns a program for CPython that does what a program of the tour does.
func inPython(p *program) (string, error) {
	text, err := inAsyncio.ReadFile("python/" + p.name + ".py")
	if err != nil {
		return "", fmt.Errorf("%s has no counterpart in asyncio: %w", p.name, err)
	}
	return string(text), nil
}
