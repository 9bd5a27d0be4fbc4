module example.com/vet

go 1.26.0

require github.com/aio-go/aio v0.0.0

replace github.com/aio-go/aio => ../../../..
