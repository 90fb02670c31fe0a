package lmfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"kolm/internal/dequant"
	"kolm/internal/model"
	"kolm/internal/modelfile"
	"kolm/internal/safetensors"
)

// splitPattern is the pre-tokenizer named qwen2, as Hugging Face's tokenizers
// spell it.
const splitPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// ExportFolder writes one of kolm's own models as a folder that transformers
// loads, with weights of type F32 or F16: config.json, model.safetensors,
// tokenizer.json, tokenizer_config.json. The folder is made if it is not there;
// files in it with these names are replaced.
func ExportFolder(dir string, f *modelfile.File, t dequant.Type) error {
	tensors, err := folderTensors(f, t)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, content := range map[string]any{
		configFile:              folderConfig(f, t),
		"tokenizer.json":        folderTokenizer(f),
		"tokenizer_config.json": folderTokenizerConfig(f),
	} {
		b, err := json.MarshalIndent(content, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(b, '\n'), 0o666); err != nil {
			return err
		}
	}
	w, err := os.Create(filepath.Join(dir, safetensors.SingleFile))
	if err != nil {
		return err
	}
	defer w.Close()
	if err := safetensors.Write(w, tensors); err != nil {
		return err
	}
	return w.Close()
}

// object is a JSON object.
type object map[string]any

func folderConfig(f *modelfile.File, t dequant.Type) object {
	c := &f.Config
	return object{
		"architectures": []string{"Qwen3ForCausalLM"}, "model_type": "qwen3",
		"hidden_size": c.Dim, "num_hidden_layers": c.Layers, "intermediate_size": c.FFN,
		"num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"max_position_embeddings": c.Window, "vocab_size": c.Vocab,
		"rms_norm_eps": c.Eps, "rope_theta": c.RopeBase, "rope_scaling": nil,
		"hidden_act": "silu", "attention_bias": false, "attention_dropout": 0, "use_sliding_window": false,
		"tie_word_embeddings": false, "use_cache": true,
		"bos_token_id": f.Separator, "eos_token_id": f.Separator,
		"torch_dtype": map[dequant.Type]string{dequant.F32: "float32", dequant.F16: "float16"}[t],
	}
}

// folderTensors lists the weights under the names of transformers. The output
// table is written even if it is the input table.
func folderTensors(f *modelfile.File, t dequant.Type) ([]safetensors.Tensor, error) {
	if t != dequant.F32 && t != dequant.F16 {
		return nil, fmt.Errorf("weights of type %v are not written to a folder: want F32 or F16", t)
	}
	var list []safetensors.Tensor
	var err error
	add := func(name string, x []float32, shape ...int) {
		b, bad := dequant.Narrow(x, t)
		if bad != nil && err == nil {
			err = fmt.Errorf("%s: %w", name, bad)
		}
		list = append(list, safetensors.Tensor{Name: name + ".weight", DType: t.String(), Shape: shape, Data: b})
	}
	vector := func(name string, x []float32) { add(name, x, len(x)) }
	matrix := func(name string, m model.Matrix) { add(name, m.Floats(), m.Rows, m.Cols) }
	w := f.Weights
	matrix("model.embed_tokens", w.Embed)
	for i := range w.Layers {
		l, p := &w.Layers[i], fmt.Sprintf("model.layers.%d.", i)
		vector(p+"input_layernorm", l.AttnNorm)
		matrix(p+"self_attn.q_proj", l.Q)
		matrix(p+"self_attn.k_proj", l.K)
		matrix(p+"self_attn.v_proj", l.V)
		vector(p+"self_attn.q_norm", l.QNorm)
		vector(p+"self_attn.k_norm", l.KNorm)
		matrix(p+"self_attn.o_proj", l.O)
		vector(p+"post_attention_layernorm", l.FFNNorm)
		matrix(p+"mlp.gate_proj", l.Gate)
		matrix(p+"mlp.up_proj", l.Up)
		matrix(p+"mlp.down_proj", l.Down)
	}
	vector("model.norm", w.OutputNorm)
	matrix("lm_head", w.Output)
	return list, err
}

// folderTokenizer describes the byte-level BPE as tokenizer.json: no
// normalisation, the pre-tokenizer, the vocabulary, the merges, and the separator
// before every text.
func folderTokenizer(f *modelfile.File) object {
	vocab := make(map[string]int, len(f.Pieces))
	special := string(f.Pieces[f.Separator])
	for id := range f.Pieces {
		vocab[f.Spelling(id)] = id
	}
	merges := make([]string, len(f.Merges))
	for i, m := range f.Merges {
		merges[i] = f.Spelling(int(m[0])) + " " + f.Spelling(int(m[1]))
	}
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	begin := object{"SpecialToken": object{"id": special, "type_id": 0}}
	text := func(id string, typ int) object { return object{"Sequence": object{"id": id, "type_id": typ}} }
	return object{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil,
		"added_tokens": []object{{
			"id": f.Separator, "content": special, "special": true,
			"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
		}},
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": splitPattern}, "behavior": "Isolated", "invert": false},
			byteLevel,
		}},
		"post_processor": object{
			"type": "TemplateProcessing", "single": []object{begin, text("A", 0)}, "pair": []object{begin, text("A", 0), text("B", 1)},
			"special_tokens": object{special: object{"id": special, "ids": []int{f.Separator}, "tokens": []string{special}}},
		},
		"decoder": byteLevel,
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": "",
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": merges,
		},
	}
}

func folderTokenizerConfig(f *modelfile.File) object {
	special := string(f.Pieces[f.Separator])
	return object{
		"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": special, "eos_token": special,
		"clean_up_tokenization_spaces": false, "model_max_length": f.Config.Window, "add_prefix_space": false,
		"model_input_names": []string{"input_ids", "attention_mask"},
	}
}
