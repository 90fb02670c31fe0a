package lab

// Claim is a statement about language models as compressors that is often heard,
// with what is true of it and the experiments that show it.
type Claim struct {
	Number      int      `json:"number"`
	Statement   string   `json:"statement"`
	Verdict     string   `json:"verdict"`
	Experiments []string `json:"experiments"`
}

// Claims lists the seventeen.
func Claims() []Claim {
	return []Claim{
		{1, "feed-forward layers are key-value memories, a key fires for a fact and its value is the answer", "partly: planted ones are; in a trained model what follows a key is its value's vote far more often than by chance",
			[]string{"memories"}},
		{2, "a value vector is the distribution of the answer", "imprecise: it is an additive update of the logits",
			[]string{"values"}},
		{3, "frequent facts are kept, rare ones forgotten", "true under overload; with room all are kept",
			[]string{"frequency", "capacity", "exposure", "calibration"}},
		{4, "a model can not memorise and so must generalise", "conditional: only if there is a rule to be found",
			[]string{"labels", "counterfactual"}},
		{5, "training is lossy compression", "weights alone are lossy; model and coder together are lossless",
			[]string{"regenerate"}},
		{6, "a model is a thousandfold compression of its training text", "false for GPT-3, and bytes of text are not bits of information", []string{"scale"}},
		{7, "L(model) + L(data | model) is -ELBO", "true if the choice is certain on a countable grid, or with bits back", []string{"equivalence", "bitsback", "weights"}},
		{8, "gradient descent minimises description length by itself", "not automatically",
			[]string{"sizes", "ordering"}},
		{9, "cross-entropy is the gap of the ELBO", "false: it is entropy + gap B, the ELBO's gap is gap A", []string{"identity"}},
		{10, "minimising cross-entropy minimises KL(data || model)", "true of new data; on the training data it is KL to the empirical law", []string{"estimation"}},
		{11, "-log2 p(x) is the optimal length of x", "in expectation", []string{"length"}},
		{12, "a gap of zero attains Kolmogorov complexity", "it attains entropy; K only up to K(P), and of no single x", []string{"floor"}},
		{13, "a finite sample is an obstacle", "true: k/2 log2 n bits",
			[]string{"redundancy", "parameter"}},
		{14, "expressiveness is an obstacle", "true of a fixed class, not of growing ones",
			[]string{"obstacles", "trees", "transformer"}},
		{15, "optimisation is an obstacle", "true",
			[]string{"obstacles", "transformer"}},
		{16, "uncomputability stops every algorithm short of the limit", "it stops K, not the entropy rate", []string{"trees", "prefix"}},
		{17, "variational inference and algorithmic information theory agree on an enumerable set", "exact between Bayes and MDL; machines differ by a constant",
			[]string{"equivalence", "automata", "turing"}},
	}
}

// States of a claim.
const (
	Passed = "pass"
	Failed = "fail"
	NotRun = "not run"
)

// Standing is a claim after its experiments.
type Standing struct {
	Claim
	State string `json:"state"`
}

// Judge gives each claim its state from the results, by name of experiment.
// A claim with an experiment that is not among the results is not run; but one that
// failed is failed.
func Judge(results map[string]*Result) []Standing {
	var all []Standing
	for _, c := range Claims() {
		state := Passed
		for _, name := range c.Experiments {
			switch r := results[name]; {
			case r == nil:
				if state == Passed {
					state = NotRun
				}
			case !r.Pass:
				state = Failed
			}
		}
		all = append(all, Standing{c, state})
	}
	return all
}
