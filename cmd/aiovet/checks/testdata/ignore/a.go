package ignore

import (
	"context"
	"time"

	"github.com/aio-go/aio"
)

func f(ctx context.Context, ch chan int) error {
	time.Sleep(1) //aiovet:ignore a nanosecond is short
	//aiovet:ignore the channel is closed
	<-ch
	<-ch // want `a receive from a channel`

	//aiovet:ignore
	<-ch // want `a receive from a channel`
	<-ch //aiovet:ignored is another word // want `a receive from a channel`
	return aio.Yield(ctx)
}
