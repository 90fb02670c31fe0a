package kernel

import (
	"testing"

	"kolm/internal/nofuse"
)

func TestNoFusedInstructions(t *testing.T) { nofuse.Check(t, "kolm/internal/kernel") }
