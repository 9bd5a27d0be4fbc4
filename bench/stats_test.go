package main

import (
	"math"
	"testing"
	"time"
)

func TestTheMedianIsTheMiddleFigureOrTheMeanOfTheMiddleTwo(t *testing.T) {
	for _, c := range []struct {
		figures []float64
		want    float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{100, 1, 3}, 3},
		{[]float64{4, 1, 1000, 2}, 3},
	} {
		if got := median(c.figures); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.figures, got, c.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median(nil) = %v, want NaN", got)
	}
}

func TestTheMedianLeavesItsArgumentInOrder(t *testing.T) {
	figures := []float64{3, 1, 2}
	median(figures)
	if figures[0] != 3 || figures[1] != 1 || figures[2] != 2 {
		t.Errorf("median changed its argument to %v", figures)
	}
}

func TestTheSpreadIsHalfTheDistanceOfTheQuartilesOverTheMedian(t *testing.T) {
	if got := spread([]float64{10, 8, 12, 9, 11}); got != 0.1 {
		t.Errorf("spread = %v, want 0.1 (quartiles 9 and 11, median 10)", got)
	}
	if got := spread([]float64{10, 20}); got != 0 {
		t.Errorf("spread of two figures = %v, want 0: there are no quartiles", got)
	}
}

func TestPerOpDividesByTheOperations(t *testing.T) {
	if got := perOp(3*time.Microsecond, 40); got != 75 {
		t.Errorf("perOp(3us, 40) = %v, want 75", got)
	}
}
