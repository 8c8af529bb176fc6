package check

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Row is a finding as it stands in JSON. Members may be added, none is renamed
// or removed.
type Row struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// File is relative to the folder that was checked; "environment" for the
	// process environment. Line and Column count from 1, in characters; 0
	// where the finding is about no line.
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Message says what is wrong, Airflow what Airflow does with it, Fix what
	// to write instead; the last two may be empty.
	Message string `json:"message"`
	Airflow string `json:"airflow"`
	Fix     string `json:"fix"`
}

// JSON is the report as a document: {"findings": [...]}, with one [Row] for
// each finding.
func JSON(found []Finding) ([]byte, error) {
	rows := make([]Row, len(found))
	for i, f := range found {
		rows[i] = Row{f.Rule, f.Severity, f.File, f.Line, f.Column, f.Message, f.Airflow, f.Fix}
	}
	return document(map[string]any{"findings": rows})
}

// described is a rule as it stands in JSON.
type described struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Airflow  string   `json:"airflow"`
}

// ListJSON is {"rules": [...]}: what rules say of themselves.
func ListJSON(rules []Rule) ([]byte, error) {
	list := make([]described, len(rules))
	for i, r := range rules {
		list[i] = described{r.ID, r.Severity, r.Title, r.Why, r.Airflow}
	}
	return document(map[string]any{"rules": list})
}

// document writes JSON for people and programs: indented, with < and > as they
// are.
func document(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Count tells how many findings are of a severity.
func Count(found []Finding, s Severity) int {
	n := 0
	for _, f := range found {
		if f.Severity == s {
			n++
		}
	}
	return n
}
