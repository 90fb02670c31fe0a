// Package lmfile opens the models of others, and kolm's own, as internal/lm
// models: GGUF files, safetensors folders as Hugging Face lays them out, and
// llama2.c checkpoints. It also writes kolm's own models for other programs. It
// must not know how text becomes tokens (it gives the raw keys, or the folder, and
// writes down what kolm's tokenizer is) nor what a model is used for.
//
// # What is read
//
// GGUF: architectures llama, qwen2, qwen3, qwen3moe, gpt2, gemma, gemma2, gemma3,
// phi3, with tensors of any type of internal/dequant, each of its own. Folders:
// llama, qwen2, qwen3, gpt2 in F32, F16, BF16. Another architecture, type, scaling
// of positions, or tensor that has no place in the model is an error that names
// it: a model that is read in part would give wrong figures silently.
//
// Files are mapped into memory and weights are widened when they are first used:
// opening reads little more than the headers. So a weight that is not a finite
// number is an error of the forward pass that comes to it, not of Open.
//
// # Conventions of the formats
//
// Facts checked in llama.cpp (src/models, convert_hf_to_gguf.py) and in Hugging
// Face's transformers (modelling and configuration files of the families).
//
//   - Rows of the query and key matrices of architecture llama in GGUF and in
//     llama2.c are permuted so that a rotation pairs neighbours; everywhere else it
//     pairs the halves of a head.
//   - gemma's norms multiply with 1+w; GGUF stores 1+w.
//   - gemma2 and gemma3 scale queries by 1/sqrt(head length), but for the models of
//     46 and of 62 layers by 1/sqrt(embedding length / heads).
//   - gemma2 sees a window in every layer with an even number, gemma3 in all but
//     every sixth, and there it rotates with base 10000 and without scaling.
//   - phi3 has one matrix for queries, keys and values, and one for gate and up, in
//     this order. Its short factors divide the frequencies in contexts of up to the
//     original length, its long ones in longer contexts. A window that its file
//     names is not applied, as in llama.cpp.
//   - llama and qwen3moe scale the weights of the chosen experts to the sum 1.
//   - Conv1D matrices of gpt2 folders are stored (in, out).
package lmfile
