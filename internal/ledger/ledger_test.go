package ledger

import (
	"math"
	"strings"
	"testing"
)

func TestClose(t *testing.T) {
	var l Ledger
	l.Code = "example"
	data := Ideal(100.3)
	l.Add(Model, "header", Bytes(2))
	l.Add(Data, "data", data)
	l.Add(Data, "coder overhead", Bytes(15)-Bytes(2)-data)
	if err := l.Close(15); err != nil {
		t.Error(err)
	}
	if l.Sum(Model) != 16*Bit || l.Sum(Data) != 104*Bit || l.Total() != 120*Bit {
		t.Errorf("sums %v and %v of %v", l.Sum(Model), l.Sum(Data), l.Total())
	}
	for _, bytes := range []int64{14, 16} {
		if err := l.Close(bytes); err == nil || !strings.Contains(err.Error(), "example") {
			t.Errorf("closed with %d bytes: %v", bytes, err)
		}
	}
	l.Add(Data, "a hair", 1)
	if l.Close(15) == nil {
		t.Error("closed with 1/65536 bit too much")
	}
}

func TestIdeal(t *testing.T) {
	for _, x := range []float64{0, 1, .5, 1.0 / 65536, 12345.678, 8e12} {
		if got := Ideal(x).Float(); math.Abs(got-x) > .5/65536 {
			t.Errorf("Ideal(%v) = %v", x, got)
		}
	}
}
