module github.com/aio-go/aio/examples

go 1.26

require github.com/aio-go/aio v0.0.0

replace github.com/aio-go/aio => ../
