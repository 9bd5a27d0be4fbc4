module github.com/aio-go/aio/aiowebsocket

go 1.26.0

require (
	github.com/aio-go/aio v0.0.0
	github.com/gobwas/httphead v0.1.0
	github.com/gobwas/ws v1.5.0
)

require github.com/coder/websocket v1.8.15

replace github.com/aio-go/aio => ..
