// Package kolm packs bytes into fewer bytes, without loss, with a small
// language model that predicts them and adaptive contexts that learn the file
// at hand.
//
// [NewWriter] and [NewReader] work on streams as those of compress/gzip do,
// [Codec] on short messages, and [OpenReaderAt] reads any part of a packed
// file without decoding what comes before it.
//
//	w, err := kolm.NewWriter(file, kolm.WithLevel(1))
//	...
//	_, err = w.Write(text)
//	...
//	err = w.Close()
//
// Input of any kind is packed: what does not become smaller is stored, at a
// cost of 9 to 11 bytes for a short input and of 21 bytes, twice, for each
// block of a long one. The packed bytes depend on the input, the level, the
// model and the block size only, never on the number of workers, on how the
// input was cut into calls of Write, or on the machine.
//
// # Models
//
// Blocks packed at level 3 and above decode only with the model that packed
// them, byte for byte the same; a packed file names it by the beginning of its
// ID. Two are built in, a small one for levels 3 and 4 and one for the levels
// above, and always at hand. Give others with [WithModel] or look them up with
// [WithModels]. Levels 1 and 2 use no model.
//
// # Limits and untrusted input
//
// A reader holds a block for each worker, packed and plain, the one that is being
// read, and what the coder needs. No length is believed before the bytes that it announces are
// there, but few packed bytes may honestly stand for a whole block:
// [WithMaxBlock] sets the size of block that is still accepted. It bounds the time
// too, which is that of coding so many bytes. Sums notice accidents; they are not
// signatures.
//
// # Compatibility
//
// Files of format 1 will decode with every later version; the archives under
// testdata/format1 are never made again. Those packed with a model that is no
// longer built in need its file. A newer format is refused by an error that wraps
// [ErrVersion], never by wrong bytes. The API may change before version 1.0.
package kolm
