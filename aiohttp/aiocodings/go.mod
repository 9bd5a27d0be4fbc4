module github.com/aio-go/aio/aiohttp/aiocodings

go 1.26.0

require (
	github.com/aio-go/aio v0.0.0
	github.com/andybalholm/brotli v1.3.0
	github.com/klauspost/compress v1.20.3
	golang.org/x/net v0.62.0
	golang.org/x/text v0.43.0
)

replace github.com/aio-go/aio => ../..
