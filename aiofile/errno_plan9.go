package aiofile

import "syscall"

// systemError is the type of the errors of the system.
type systemError = syscall.ErrorString
