package prefix

import (
	_ "embed"
	"fmt"
)

// Programs of the register machine that write deterministic streams which look
// like noise to a statistical code. The number of rounds after which they end is
// filled in at %d, %d and %d, highest byte first.
var (
	//go:embed programs/aes.s
	aesText string
	//go:embed programs/xorshift.s
	xorshiftText string
)

// AES is the program that writes n bytes, a multiple of 16, of AES-128 in counter
// mode: the encryptions of 0, 1, 2... under the key 000102...0f.
func AES(n int) (Program, error) { return counted(aesText, n/16) }

// Xorshift is the program that writes n bytes, a multiple of 4, of Marsaglia's
// 32-bit xorshift generator (2003; shifts 13, 17, 5; seed 1), low byte first.
func Xorshift(n int) (Program, error) { return counted(xorshiftText, n/4) }

// counted assembles a text for so many rounds.
func counted(text string, n int) (Program, error) {
	if n <= 0 || n >= 1<<24 {
		return nil, fmt.Errorf("%d rounds, must be 1 to %d", n, 1<<24-1)
	}
	return Assemble(fmt.Sprintf(text, n>>16, n>>8&0xff, n&0xff))
}
