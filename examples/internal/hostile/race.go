//go:build race

package hostile

// underRace reports whether the race detector makes everything slower.
const underRace = true
