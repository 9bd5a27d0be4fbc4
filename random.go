package aio

import "math/rand/v2"

// Rand returns random numbers for what runs on the loop, such as the jitter of a back-off. They differ from run to run,
// except with a clock of [WithClock]: then they are the same in each run, so that runs under a virtual clock do not
// differ. They are not for secrets. Loop only.
func (l *Loop) Rand() *rand.Rand {
	if l.random == nil {
		seed := rand.Uint64()
		if l.clock != nil {
			seed = 1
		}
		l.random = rand.New(rand.NewPCG(seed, seed))
	}
	return l.random
}
