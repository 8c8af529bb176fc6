package check_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/project"
)

// sarifSchema is the schema that the standard comes with, in one line:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	const path = "testdata/sarif-schema-2.1.0.json"
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(path, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, found []check.Finding, rules []check.Rule) string {
	t.Helper()
	text, err := check.SARIF(found, rules, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("not SARIF: %v", err)
	}
	if bytes.Contains(text, []byte(canary)) {
		t.Error("the report shows a secret")
	}
	return string(text)
}

func TestSARIF(t *testing.T) {
	env := &project.File{Path: "a b/.env", Kind: project.DotEnv, Text: "A=é'x'\nTOKEN='CANARY-1'\nK='1\n2é'\n"}
	process := &project.File{Path: "environment", Kind: project.Process, Text: "A=1\n"}
	rules := []check.Rule{{ID: "one", Severity: check.Warning, Title: "first", Why: "Because.", Airflow: "it stops"}}
	found := []check.Finding{
		{Rule: "one", Severity: check.Error, File: "a b/.env", Line: 1, Column: 4, Span: place(env, "'x'"), Message: "quotes", Airflow: "it stops", Fix: "A=x",
			Edits: []check.Edit{{Span: place(env, "A=é'x'"), New: "<a>"}}},
		{Rule: "one", Severity: check.Note, File: "a b/.env", Line: 2, Column: 7, Span: place(env, "'CANARY-1'"), Message: "quotes",
			Edits: []check.Edit{{Span: place(env, "'CANARY-1'"), New: "CANARY-1"}}},
		{Rule: "one", Severity: check.Note, File: "a b/.env", Line: 3, Column: 3, Span: place(env, "'1\n2é'"), Message: "lines"},
		{Rule: "one", Severity: check.Note, File: "environment", Line: 1, Column: 1, Span: place(process, "A"), Message: "process"},
		{Rule: "two", Severity: check.Note, File: "dags/x.py", Line: 7, Column: 5, Message: "DAG"},
		{Rule: "two", Severity: check.Note, File: "dags/y.py", Message: "the whole file"},
	}
	schema := sarifSchema(t)
	validate(t, schema, nil, nil)
	text := validate(t, schema, found, rules)
	var flat bytes.Buffer
	if err := json.Compact(&flat, []byte(text)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"ruleId":"one","ruleIndex":0,"level":"error","message":{"text":"quotes\nAirflow: it stops\nFix: A=x"}`,
		`{"artifactLocation":{"uri":"a%20b/.env"},"region":{"startLine":1,"startColumn":4,"endLine":1,"endColumn":7}}`,
		`{"deletedRegion":{"startLine":1,"startColumn":1,"endLine":1,"endColumn":7},"insertedContent":{"text":"<a>"}}`,
		`"region":{"startLine":3,"startColumn":3,"endLine":4,"endColumn":4}`,
		`"locations":[{"logicalLocations":[{"name":"environment","kind":"resource"}]}]`,
		`{"artifactLocation":{"uri":"dags/x.py"},"region":{"startLine":7,"startColumn":5}}`,
		`{"artifactLocation":{"uri":"dags/y.py"}}`,
		`"defaultConfiguration":{"level":"warning"}`,
		`"text":"Because.\n\nWhat Airflow does: it stops"`,
	} {
		if !strings.Contains(flat.String(), want) {
			t.Errorf("the report lacks %s", want)
		}
	}
	if n := strings.Count(flat.String(), `"fixes"`); n != 1 {
		t.Errorf("%d results have fixes, want 1: that which shows no secret", n)
	}
}

func TestJSON(t *testing.T) {
	got, err := check.JSON([]check.Finding{{Rule: "one", Severity: check.Note, File: ".env", Line: 1, Column: 2, Message: "<m>", Airflow: "a", Fix: "f"}})
	if err != nil {
		t.Fatal(err)
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, got); err != nil {
		t.Fatal(err)
	}
	want := `{"findings":[{"rule":"one","severity":"note","file":".env","line":1,"column":2,"message":"<m>","airflow":"a","fix":"f"}]}`
	if flat.String() != want {
		t.Errorf("JSON = %s, want %s", flat.String(), want)
	}
	if got, _ := check.JSON(nil); string(got) != "{\n  \"findings\": []\n}" {
		t.Errorf("JSON of nothing = %s", got)
	}
}
