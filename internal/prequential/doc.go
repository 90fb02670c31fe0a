// Package prequential is the code of a language model that begins as a fixed
// random one, learns while it codes, and is never sent: a decoder repeats its
// learning bit for bit (internal/learn). So the model takes no bits at all, and
// the length of the code is what the data costs somebody who only knows how such
// models learn (Dawid 1984). The package must not know files, nor what its input
// is.
package prequential
