package reason

func f(ch chan int) {
	//aiovet:ignore // want `//aiovet:ignore without a reason silences nothing; write why the code is right`
	<-ch
	<-ch //aiovet:ignore it is closed
}
