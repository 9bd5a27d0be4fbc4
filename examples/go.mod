module github.com/aio-go/aio/examples

go 1.26.0

require github.com/aio-go/aio v0.0.0

require golang.org/x/text v0.43.0

require golang.org/x/net v0.62.0

require (
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0
)

replace github.com/aio-go/aio => ../
