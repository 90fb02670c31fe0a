// Package modelfile reads and writes models as GGUF files, and computes their
// IDs. It must not know how a model is run or used for coding.
//
// # The file
//
// A kolm model is an ordinary GGUF file, version 3, architecture qwen3, with a
// byte-level BPE vocabulary (tokenizer "gpt2", pre-tokenizer "qwen2"): tokens 0
// to 255 are the single bytes, 256 is the separator before every document, 257
// and up are the merges in order. The window of the attention is the
// context_length. Matrices are Q8_0 tensors whose blocks of 32 in a row all have
// the same scale: ordinary for other readers, and for kolm an int8 row with one
// scale. Norms are F32. A missing output.weight means that the input table is
// the output table too.
//
// Parse accepts any well-formed GGUF of version 2 or 3 whose tensors have types
// that internal/dequant widens, on hosts of any byte order; Load accepts those
// that are such a model.
//
// # The layout
//
// Of the public layout of GGUF a decoder needs this. Everything is little-endian;
// a text is its length in bytes, 8 bytes, and its bytes.
//
//	magic    4  GGUF
//	version  4  3
//	tensors  8  how many
//	keys     8  how many
//	keys        each: name, a text; type, 4; value
//	tensors     each: name, a text; number of dimensions, 4; each dimension, 8,
//	            the length of a row first; type, 4; offset of its data, 8
//	data        begins, and offsets count from there, at the next multiple of
//	            the key general.alignment, or of 32 without it
//
// The types of values are 0 to 7 for uint8, int8, uint16, int16, uint32, int32,
// float32 and bool, 8 for a text, 9 for an array (the type of its values, 4; how
// many, 8; the values), 10 to 12 for uint64, int64 and float64. The types of
// tensors are 0, F32, and 8, Q8_0: of each 32 numbers of a row a float16, the
// scale, then 32 int8.
//
// The keys are general.architecture; qwen3.embedding_length, .block_count (the
// layers), .attention.head_count, .attention.head_count_kv, .attention.key_length
// (of a head), .feed_forward_length, .context_length, .rope.freq_base and
// .attention.layer_norm_rms_epsilon; tokenizer.ggml.tokens, .token_type and
// .merges (each two tokens with a space between them). A token of type 1 is in
// GPT-2's spelling, in UTF-8, a character for each byte: that of the same number
// for the bytes 33 to 126, 161 to 172 and 174 to 255, and those from 256 on for
// the others in their order. The tensors are token_embd.weight, output.weight,
// output_norm.weight and, for layer 0 and the name attn_q, blk.0.attn_q.weight.
//
// # The ID
//
// A model's ID is the SHA-256 of everything that determines its predictions and
// of nothing else; name, authors, order of keys and tensors, and padding do not
// enter. Hashed are the following fields, without gaps. Integers are 32-bit
// unaligned little-endian, unless said otherwise; a text is its length in bytes
// as such an integer, and its bytes.
//
//  1. text "kolm model ID 1"; the version of the arithmetic, model.Numerics, 1
//  2. text "qwen3"; vocabulary, embedding length, layers, query heads, key/value
//     heads, head length, feed-forward length, window; the rope base as the 64
//     bits of a float64, the RMSNorm epsilon as the 32 bits of a float32
//  3. text "qwen2" (the pre-tokenizer); the number of the separator; the number
//     of tokens; for each token its GGUF type and its bytes as a text (decoded
//     from GPT-2's spelling if the type is 1); the number of merges; for each
//     merge the numbers of its left and right token
//  4. the number of tensors; for each tensor, in the order token_embd, output,
//     output_norm, then for every layer attn_norm, attn_q, attn_k, attn_v,
//     attn_q_norm, attn_k_norm, attn_output, ffn_norm, ffn_gate, ffn_up, ffn_down:
//     its full name as a text, its GGUF type, its number of dimensions, each
//     dimension as 64 bits, the length of its data in bytes as 64 bits, its data
//     as in the file; an output table that the file does not have is left out
package modelfile
