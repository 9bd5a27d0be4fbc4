module github.com/aio-go/aio/examples

go 1.26.0

require github.com/aio-go/aio v0.0.0

require golang.org/x/text v0.43.0

replace github.com/aio-go/aio => ../
