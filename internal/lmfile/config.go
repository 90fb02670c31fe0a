package lmfile

import (
	"encoding/json"
	"fmt"
	"os"
)

// configFile is the description of a model in a safetensors folder.
const configFile = "config.json"

// maxConfig bounds its length.
const maxConfig = 16 << 20

// hfConfig is what is read of a config.json. Pointers are nil where the file has
// no value.
type hfConfig struct {
	ModelType string `json:"model_type"`
	Name      string `json:"_name_or_path"`

	Dim     int  `json:"hidden_size"`
	Layers  int  `json:"num_hidden_layers"`
	Heads   int  `json:"num_attention_heads"`
	KVHeads *int `json:"num_key_value_heads"`
	HeadDim *int `json:"head_dim"`
	FFN     int  `json:"intermediate_size"`
	Context int  `json:"max_position_embeddings"`
	Vocab   int  `json:"vocab_size"`

	Eps        *float64 `json:"rms_norm_eps"`
	Activation string   `json:"hidden_act"`
	Tied       *bool    `json:"tie_word_embeddings"`

	RopeBase       *float64 `json:"rope_theta"`
	RopeScaling    *hfRope  `json:"rope_scaling"`
	RopeParameters *hfRope  `json:"rope_parameters"` // holds both in new files

	SlidingWindow *int     `json:"sliding_window"`
	UseSliding    bool     `json:"use_sliding_window"`
	MaxWindow     *int     `json:"max_window_layers"`
	LayerTypes    []string `json:"layer_types"`

	Quantized json.RawMessage `json:"quantization_config"`

	// gpt2 has names of its own.
	GPT2Dim        int      `json:"n_embd"`
	GPT2Layers     int      `json:"n_layer"`
	GPT2Heads      int      `json:"n_head"`
	GPT2Context    int      `json:"n_positions"`
	GPT2FFN        *int     `json:"n_inner"`
	GPT2Eps        *float64 `json:"layer_norm_epsilon"`
	GPT2Activation string   `json:"activation_function"`
	ScaleByLayer   bool     `json:"scale_attn_by_inverse_layer_idx"`
	ScaleWeights   *bool    `json:"scale_attn_weights"`
}

// hfRope describes how positions are stretched.
type hfRope struct {
	Kind      string   `json:"rope_type"`
	OldKind   string   `json:"type"`
	Base      *float64 `json:"rope_theta"`
	Factor    float64  `json:"factor"`
	Original  int      `json:"original_max_position_embeddings"`
	Low       float64  `json:"low_freq_factor"`
	High      float64  `json:"high_freq_factor"`
	Attention *float64 `json:"attention_factor"`
	Fast      *float64 `json:"beta_fast"`
	Slow      *float64 `json:"beta_slow"`
}

func readConfig(path string) (*hfConfig, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", path, info.Size(), maxConfig)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &hfConfig{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// or returns what p points to, or def where it is nil.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
