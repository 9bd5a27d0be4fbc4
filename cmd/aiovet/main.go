// Command aiovet finds mistakes in programs that use aio.
//
//	aiovet ./...                          alone
//	go vet -vettool=$(which aiovet) ./... with the build cache of go vet
//	aiovet help                           the checks and their flags
//	aiovet -fix ./...                     apply the fixes that are safe
//	aiovet -blocks=false ./...            without a check; -blocks: only that one
//
// A line that is right as it is gets a comment, there or on the line above, with the reason:
//
//	//aiovet:ignore the channel is closed before the loop starts
//
// The exit code is 0 if nothing was found, 3 (go vet: 1) if something was.
package main

import (
	"github.com/aio-go/aio/cmd/aiovet/checks"
	"golang.org/x/tools/go/analysis/multichecker"
)

func main() { multichecker.Main(checks.Analyzers...) }
