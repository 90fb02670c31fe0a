package codec

import "slices"

// firstWeights are the weights that the mixer begins with, one row for each of
// its sets, in 1/1024: two for each context, then the match's. They are the
// averages, by use, of what the vectors of each set had learned after the
// training text described at context.startStates.
var firstWeights = [][]int32{
	{334, -131, 235, -82, 204, -21, 110, -8, 154, -50, 175, -139, 286, -36, 127, -59, 152, -52, 84, -81, 263, -70, 145, -30, 217, -41, 120, -27, 101, 121},
	{183, 90, 161, 78, 200, 44, 115, -20, 136, -23, 121, -78, 210, -7, 129, -66, 108, -27, 114, -78, 147, -34, 139, 17, 141, -1, 118, -35, 206, 80},
	{347, -33, 165, 20, 217, 66, 93, -29, 143, -19, 89, -121, 212, 28, 157, -63, 106, -46, 141, -78, 180, -75, 172, -7, 207, -1, 158, -23, 153, 62},
	{306, -28, 173, 11, 187, 45, 130, -9, 118, -37, 114, -81, 196, 14, 136, -49, 146, -13, 171, -33, 150, -46, 110, -42, 181, -4, 130, -36, 148, 27},
}

// firstFinal is the same for the second layer, in 1/65536.
var firstFinal = []int32{11504, 23598, 12923, 19523}

// lmWeights, lmFinal, flagWeights and flagFinal are the same with a language
// model, whose two opinions follow the inputs of the contexts. They were learned
// with the model of an early checkpoint from 136 documents, 500 KB, of the last
// of the training archives.
var (
	lmWeights = [][]int32{
		{120, -116, 60, -66, 69, -1, 71, 15, 106, 4, 112, -47, 146, -7, 65, -60, 51, -24, 67, -60, 129, -73, 38, -10, 51, -18, 106, -4, 143, 97, 290, 604},
		{107, -72, 67, -14, 96, 15, 78, 10, 102, 2, 100, -54, 126, 0, 80, -43, 43, -30, 68, -54, 87, -54, 62, -8, 68, -24, 87, -8, 174, 110, 322, 533},
		{123, -85, 66, -21, 97, 19, 79, 12, 107, 4, 86, -71, 134, 12, 95, -31, 42, -39, 75, -55, 105, -54, 57, -19, 78, -29, 87, -15, 158, 91, 328, 554},
		{136, -64, 68, -23, 96, 15, 81, 5, 98, -17, 96, -77, 114, -17, 105, -33, 60, -21, 85, -55, 101, -51, 57, -21, 96, -15, 77, -32, 160, 82, 320, 534},
		{119, -59, 65, -28, 88, 10, 64, 7, 88, 6, 82, -42, 116, -10, 69, -34, 50, -26, 62, -46, 102, -35, 61, -8, 77, -13, 80, -8, 97, 61, 270, 498},
		{122, -63, 60, -18, 93, 13, 80, 12, 106, 1, 94, -71, 116, -6, 94, -37, 48, -28, 74, -63, 95, -50, 60, -12, 79, -21, 83, -21, 171, 104, 324, 535},
	}
	lmFinal     = []int32{6118, 11873, 8777, 17238, 8248, 15638}
	flagWeights = [][]int32{
		{40, 10, 48, 35, 86, 74, 40, 25, 63, 65, 155, 74, 38, 227, 487},
		{9, -13, 56, 47, 99, 93, 3, -9, 78, 88, 146, 81, 73, 257, 492},
	}
	flagFinal = []int32{27972, 39481}
)

// startWeights returns the first weights of each set of the mixer and of its
// second layer.
func startWeights(lm bool) [][]int32 {
	if lm {
		return start(lmWeights, lmFinal)
	}
	return start(firstWeights, firstFinal)
}

// startFlagWeights is startWeights for the mixer of flags.
func startFlagWeights() [][]int32 { return start(flagWeights, flagFinal) }

func start(rows [][]int32, final []int32) [][]int32 {
	var s [][]int32
	for _, row := range rows {
		s = append(s, scaled(row, 1<<12))
	}
	return append(s, final)
}

// scaled returns w times k.
func scaled(w []int32, k int32) []int32 {
	s := slices.Clone(w)
	for i := range s {
		s[i] *= k
	}
	return s
}
