// Package prefix has machines whose programs are a prefix code, and certificates
// that such a program writes a given output: upper bounds on Kolmogorov
// complexity that anybody can check by running them.
//
// A program is a string of bits that says itself where it ends, so that sum
// 2^-|p| over the programs of a machine is at most one. K_T(x), the length of
// the shortest program that writes x and halts within T steps, can only fall
// when T or the length of the programs tried grows, and no one can say when it
// has reached its limit. Against another machine it is an upper bound up to a
// constant, the length of an interpreter, which depends on the two machines and
// not on x: a certificate names its machine.
//
// Two machines are here. [Queue] is small enough for all its programs of 20 bits
// to be run. [Register] is a plain register machine for programs of some
// hundred bytes, as that of AES in counter mode; [Assemble] makes its programs.
//
// The package must not know other codes or models.
package prefix
