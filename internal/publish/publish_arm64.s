#include "textflag.h"

// func Uint32(p *uint32, v uint32)
TEXT ·Uint32(SB),NOSPLIT,$0-12
	MOVD  p+0(FP), R0
	MOVWU v+8(FP), R1
	STLRW R1, (R0)
	RET

// func Uintptr(p *uintptr, v uintptr)
TEXT ·Uintptr(SB),NOSPLIT,$0-16
	MOVD p+0(FP), R0
	MOVD v+8(FP), R1
	STLR R1, (R0)
	RET
