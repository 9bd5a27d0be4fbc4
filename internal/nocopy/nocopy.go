// Package nocopy marks types whose values must not be copied after their first use.
package nocopy

// Mark is a field of such a type. It takes no room, unless it comes last. The copylocks check of go
// vet finds copies, as it takes the type for a lock.
type Mark struct{}

// Lock is for go vet.
func (*Mark) Lock() {}

// Unlock is for go vet.
func (*Mark) Unlock() {}
