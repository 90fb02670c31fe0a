package kolm

import "testing"

// TestOneAfterAnother codes messages in turn: however many might be coded at
// once, the memory of one worker serves.
func TestOneAfterAnother(t *testing.T) {
	o, err := newOptions([]Option{WithLevel(1), WithWorkers(8)})
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(o)
	for range 20 {
		if _, _, err := p.encode(nil, []byte("hello"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.free) != 1 {
		t.Errorf("%d workers have memory", len(p.free))
	}
}
