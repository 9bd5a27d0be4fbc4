package main

import (
	"math"
	"slices"
	"time"
)

// median returns the middle of the figures, or the mean of the middle two. It
// is what a row reports: one round disturbed by the machine does not move it,
// and unlike the minimum it does not reward the contestant with the widest
// spread. The median of nothing is NaN.
func median(figures []float64) float64 {
	if len(figures) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(figures)
	slices.Sort(sorted)
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// spread returns half the distance between the quartiles as a fraction of the
// median: how far apart the rounds of one contestant lay.
func spread(figures []float64) float64 {
	if len(figures) < 3 {
		return 0
	}
	sorted := slices.Clone(figures)
	slices.Sort(sorted)
	n := len(sorted)
	return (sorted[n-1-n/4] - sorted[n/4]) / 2 / median(figures)
}

// perOp divides a duration by a number of operations, in nanoseconds.
func perOp(elapsed time.Duration, ops int) float64 {
	return float64(elapsed.Nanoseconds()) / float64(ops)
}

// round2 keeps two decimals, all that a figure of this suite can mean.
func round2(v float64) float64 { return math.Round(v*100) / 100 }
