module github.com/aio-go/aio/aiotest/porcupine

go 1.26.0

require (
	github.com/aio-go/aio v0.0.0
	github.com/anishathalye/porcupine v1.3.1
)

replace github.com/aio-go/aio => ../..
