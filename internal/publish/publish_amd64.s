#include "textflag.h"

// func Uint32(p *uint32, v uint32)
TEXT ·Uint32(SB),NOSPLIT,$0-12
	MOVQ p+0(FP), AX
	MOVL v+8(FP), CX
	MOVL CX, (AX)
	RET

// func Uintptr(p *uintptr, v uintptr)
TEXT ·Uintptr(SB),NOSPLIT,$0-16
	MOVQ p+0(FP), AX
	MOVQ v+8(FP), CX
	MOVQ CX, (AX)
	RET
