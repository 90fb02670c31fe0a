package main

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"strings"

	"kolm/internal/memory"
)

// flow is the picture of an explanation: bits still to come above, contributions
// of attention and feed-forward by layer in the middle, memories below.
type flow struct {
	*memory.Explanation
	Prompt        string
	Width, Height int
	Columns       []flowColumn
	Line          string // points of the bits
	Most          float64
}

type flowColumn struct {
	Name               string
	X                  int
	BitsY              float64
	Bits               float64
	Top                string
	AttnY, AttnH, Attn float64
	FFNY, FFNH, FFN    float64
	Boxes              []flowBox
}

type flowBox struct {
	Y     int
	Name  string
	Votes string
	Value float64
}

// The picture's measures, in pixels.
const (
	flowStep  = 128 // from layer to layer
	flowLeft  = 20
	flowLens  = 150 // lower end of the bits
	flowBars  = 260 // zero line of contributions
	flowBarH  = 60  // of the largest
	flowBoxes = 360
	flowBoxH  = 40
)

func newFlow(e *memory.Explanation, prompt string) *flow {
	f := &flow{Explanation: e, Prompt: prompt}
	most, bits := 1e-9, 1e-9
	for _, l := range e.Attribution.Layers {
		most = max(most, math.Abs(l.Attention), math.Abs(l.FFN))
	}
	for _, p := range e.Attribution.Parts {
		if p.Layer < 0 {
			most = max(most, math.Abs(p.Value))
		}
	}
	for _, l := range e.Lens {
		bits = max(bits, l.Bits)
	}
	f.Most = most
	lowest := 0
	for i, l := range e.Lens {
		c := flowColumn{Name: layerName(l.Layer), X: flowLeft + i*flowStep, Bits: l.Bits, BitsY: flowLens - 90*l.Bits/bits}
		if len(l.Top) > 0 {
			c.Top = l.Top[0].Text
		}
		if l.Layer >= 0 {
			s := e.Attribution.Layers[l.Layer]
			c.Attn, c.FFN = s.Attention, s.FFN
		} else {
			for _, p := range e.Attribution.Parts {
				if p.Layer < 0 {
					c.Attn += p.Value
				}
			}
		}
		c.AttnY, c.AttnH = flowBar(c.Attn, most)
		c.FFNY, c.FFNH = flowBar(c.FFN, most)
		for _, m := range e.Memories {
			if m.Neuron.Layer != l.Layer {
				continue
			}
			c.Boxes = append(c.Boxes, flowBox{flowBoxes + len(c.Boxes)*(flowBoxH+6), m.Neuron.String(), boxVotes(m.Votes), m.Contribution})
		}
		lowest = max(lowest, len(c.Boxes))
		f.Line += fmt.Sprintf("%d,%.1f ", c.X+50, c.BitsY)
		f.Columns = append(f.Columns, c)
	}
	f.Width = 2*flowLeft + len(f.Columns)*flowStep
	f.Height = flowBoxes + lowest*(flowBoxH+6) + 30
	return f
}

// boxVotes lists as many tokens as a box has room for, but for one that is too long
// cut.
func boxVotes(votes []memory.Vote) string {
	const room = 19 // letters of Latin; of Chinese half as many
	text, used := "", 0
	for _, v := range votes {
		word := fmt.Sprintf("%q ", v.Text)
		width := 0
		for i, r := range word {
			if width++; r >= 0x2e80 {
				width++
			}
			if used == 0 && width >= room {
				return word[:i] + "…"
			}
		}
		if used += width; used > room+1 { // the last space needs none
			break
		}
		text += word
	}
	return text
}

// flowBar is the upper end and the height of a bar.
func flowBar(v, most float64) (y, h float64) {
	h = flowBarH * math.Abs(v) / most
	if v < 0 {
		return flowBars, h
	}
	return flowBars - h, h
}

// flowPicture draws an explanation as SVG, or as a page with its tables.
func flowPicture(e *memory.Explanation, prompt string, page bool) ([]byte, error) {
	name := "svg"
	if page {
		name = "page"
	}
	var b bytes.Buffer
	err := flowTemplates.ExecuteTemplate(&b, name, newFlow(e, prompt))
	return b.Bytes(), err
}

var flowTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"sign":  func(v float64) string { return fmt.Sprintf("%+.3f", v) },
	"quote": func(s string) string { return fmt.Sprintf("%q", s) },
	"join":  func(list []string) string { return strings.Join(list, "") },
	"add":   func(a, b int) int { return a + b },
	"votes": votesLine, "context": contextLine, "layer": layerName,
	"colour": func(v float64) string {
		if v < 0 {
			return "#b3452c"
		}
		return "#2c6fb3"
	},
}).Parse(`
{{- define "svg" -}}
<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="{{.Height}}" viewBox="0 0 {{.Width}} {{.Height}}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="20" y="18" font-size="14">{{quote .Prompt}} → {{quote (join .Answer)}}</text>
<text x="20" y="36" fill="#666">bits of the answer still to come, and the lens's first choice · 答案尚需的比特，及各层的首选</text>
<polyline points="{{.Line}}" fill="none" stroke="#444" stroke-width="2"/>
<text x="20" y="190" fill="#666">share of the logit difference {{quote .Attribution.Token}} − {{quote .Attribution.Foil}}: attention (left, embedding first), feed-forward (right) · 对数几率差的来源：注意力（左），前馈层（右）</text>
<line x1="20" x2="{{.Width}}" y1="260" y2="260" stroke="#999"/>
<text x="20" y="350" fill="#666">memories: neuron, contribution, votes of its value · 记忆：神经元，贡献，其值所投的词</text>
{{range .Columns}}{{$x := .X -}}
<circle cx="{{add .X 50}}" cy="{{.BitsY}}" r="3" fill="#444"/>
<text x="{{add .X 56}}" y="{{.BitsY}}" dy="-5" stroke="#fff" stroke-width="3" paint-order="stroke">{{printf "%.2f" .Bits}} {{quote .Top}}</text>
<text x="{{add .X 50}}" y="168" text-anchor="middle" fill="#666">{{.Name}}</text>
<rect x="{{add .X 20}}" y="{{.AttnY}}" width="26" height="{{.AttnH}}" fill="#7aa6c2"><title>{{sign .Attn}}</title></rect>
<rect x="{{add .X 54}}" y="{{.FFNY}}" width="26" height="{{.FFNH}}" fill="#d98f4a"><title>{{sign .FFN}}</title></rect>
<text x="{{add .X 20}}" y="334" fill="#3f7697">{{sign .Attn}}</text><text x="{{add .X 66}}" y="334" fill="#a8611c">{{sign .FFN}}</text>
{{range .Boxes}}<rect x="{{$x}}" y="{{.Y}}" width="120" height="40" rx="4" fill="#fff" stroke="{{colour .Value}}"/>
<text x="{{add $x 6}}" y="{{add .Y 16}}">{{.Name}} {{sign .Value}}</text><text x="{{add $x 6}}" y="{{add .Y 32}}" fill="#444">{{.Votes}}</text>
{{end}}{{end}}</svg>
{{end}}
{{- define "page" -}}
<!doctype html>
<html><head><meta charset="utf-8"><title>{{.Prompt}}</title>
<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 10px;text-align:left;border-bottom:1px solid #ddd}.flow{overflow-x:auto}</style>
</head><body>
<div class="flow">{{template "svg" .}}</div>
<table><tr><th>after layer · 层</th><th>bits to come · 尚需比特</th><th>rank · 名次</th><th>top · 首选</th></tr>
{{range .Lens}}<tr><td>{{layer .Layer}}</td><td>{{printf "%.3f" .Bits}}</td><td>{{.Rank}}</td><td>{{votes .Top}}</td></tr>
{{end}}</table>
<table><tr><th>memory · 记忆</th><th>contribution · 贡献</th><th>coefficient · 系数</th><th>value votes for · 值所投的词</th><th>fires on · 触发语境</th></tr>
{{range .Memories}}<tr><td>{{.Neuron}}</td><td>{{sign .Contribution}}</td><td>{{sign .Coefficient}}</td><td>{{votes .Votes}}</td><td>{{range .Contexts}}{{context .}}<br>{{end}}</td></tr>
{{end}}</table>
<p>sum of all parts {{printf "%.6f" .Attribution.Sum}}, logit difference {{printf "%.6f" .Attribution.Logits}}, residual {{printf "%.1e" .Attribution.Residual}}</p>
</body></html>
{{end}}`))
