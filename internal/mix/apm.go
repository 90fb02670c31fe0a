package mix

// APM corrects a probability by what came of it: for each context it keeps a
// curve from the stretch of the probability given to the probability found,
// piecewise linear between 17 points, and moves the nearer end towards every
// decision. (Adaptive probability map, or secondary estimation.)
type APM struct {
	curve []uint16 // (contexts, apmPoints) probability / 2^16, less that of identity
	moved moved    // points of curve
	at    int      // point that the last call moves
	rate  uint
	base  int    // where the curve of the next call begins
	warm  uint16 // a point of it
	_     Apart
}

const (
	apmPoints = 17
	apmStep   = 2 * fineTo / (apmPoints - 1) // 1.5 nats
)

// identity is the curve that leaves a probability as it is. Curves are kept as
// differences from it, so that one nobody asked for takes no memory.
var identity [apmPoints]uint16

func fillIdentity() {
	for i := range identity {
		identity[i] = uint16(min(Squash(int32(i)*apmStep-fineTo)>>16, 65535))
	}
}

// NewAPM returns an APM of n contexts; call Reset before use.
func NewAPM(n int) *APM { return &APM{curve: make([]uint16, n*apmPoints)} }

// Reset makes every curve the identity. From now on a curve moves by 1/2^rate of
// the error.
func (a *APM) Reset(rate uint) {
	a.rate = rate
	reset(a.curve, &a.moved)
}

// Select chooses context ctx for the next P. Its curve is asked for at once, so
// that it can arrive while the probability is made.
func (a *APM) Select(ctx int) {
	a.base = ctx * apmPoints
	a.warm = a.curve[a.base+apmPoints/2]
}

// P returns the corrected probability / 2^32 for the stretch s (in 1/65536
// nat, within +-12 nats) in the context selected.
func (a *APM) P(s int32) uint32 {
	u := uint32(s + fineTo)
	i, f := u/apmStep, u%apmStep
	at := a.base + int(i)
	if i == apmPoints-1 {
		at, f = at-1, apmStep
	}
	c := a.curve[at : at+2 : at+2]
	lo, hi := c[0]+identity[at-a.base], c[1]+identity[at-a.base+1]
	a.at = at
	if f >= apmStep/2 {
		a.at++
	}
	return uint32((uint64(lo)*uint64(apmStep-f) + uint64(hi)*uint64(f)) << 16 / apmStep)
}

// Update tells that the decision of the last P was bit.
func (a *APM) Update(bit int) {
	a.moved.add(a.at)
	c := &a.curve[a.at]
	target, now := int32(bit)*65535, int32(*c+identity[a.at-a.base])
	*c += uint16((target - now + int32(bit)<<a.rate - int32(bit)) >> a.rate)
}
