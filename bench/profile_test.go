package main

import (
	"maps"
	"slices"
	"testing"
)

// BenchmarkWork runs the works of the Go contestants one by one, in this
// process, for profiles: the program itself compares them fairly.
func BenchmarkWork(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(goContestants)) {
		for _, w := range micro {
			do, ok := goContestants[name][w.name]
			if !ok {
				continue
			}
			b.Run(name+"/"+w.name, func(b *testing.B) {
				b.ReportAllocs()
				reps, calls := b.N, 1
				if w.once {
					reps, calls = 1, b.N
				}
				for range calls {
					figure, err := do(w.size, reps)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(figure, w.unit)
				}
			})
		}
	}
}
