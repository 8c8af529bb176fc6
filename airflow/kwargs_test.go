package airflow

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

func TestDecodeKwargs(t *testing.T) {
	const (
		asJSON = "Failed to parse [secrets] backend_kwargs as JSON, defaulting to no kwargs."
		asDict = "Failed to parse [secrets] backend_kwargs into a dict, defaulting to no kwargs."
	)
	for _, c := range []struct {
		text, want, warning string
		at                  int
		hint                string // a part of the hint
	}{
		{"", "{}", "", 0, ""},
		{"null", "{}", "", 0, ""},
		{"false", "{}", "", 0, ""},
		{"0", "{}", "", 0, ""},
		{"0.0", "{}", "", 0, ""},
		{`""`, "{}", "", 0, ""},
		{"[]", "{}", "", 0, ""},
		{"{}", "{}", "", 0, ""},
		{` {"a": NaN, "b": 1, "a": null} `, `{"a": null, "b": 1}`, "", 0, ""},
		{"NaN", "{}", asDict, -1, "JSON of type float"},
		{"[1]", "{}", asDict, -1, "JSON of type list"},
		{"7", "{}", asDict, -1, "JSON of type int"},
		{`"{\"url\": \"s3cret\"}"`, "{}", asDict, -1, "one JSON string"},
		{strings.Repeat("9", 4301), "{}", asDict, 0, "more than 4300 digits"},
		{strings.Repeat("[", 2000), "{}", asJSON, 990, "nested too deeply"},
		{" \n", "{}", asJSON, 2, "blank"},
		{"\ufeff{}", "{}", asJSON, 0, "byte order mark"},
		{`'{"token": "s3cret"}'`, "{}", asJSON, 0, "quotes around the value"},
		{`"{"token": "s3cret"}"`, "{}", asJSON, 3, "quotes around the value"},
		{`{'token': 's3cret'}`, "{}", asJSON, 1, "not single ones"},
		{`{"token": None}`, "{}", asJSON, 10, "Python literal"},
		{`{"verify": True}`, "{}", asJSON, 11, "Python literal"},
		{`{"token": "s3cret",}`, "{}", asJSON, 19, "comma after the last"},
		{`{"token": ["s3cret", ]}`, "{}", asJSON, 21, "comma after the last"},
		{`{"token": $TOKEN}`, "{}", asJSON, 10, "$VARIABLE was not filled in"},
		{`{\"token\": \"s3cret\"}`, "{}", asJSON, 1, "take away the backslashes"},
		{"{\u201ctoken\u201d: 1}", "{}", asJSON, 1, "typographic"},
		{"{\"token\": \"s3\ncret\"}", "{}", asJSON, 13, "inside a string"},
		{`{"token": "s3cret`, "{}", asJSON, 10, "ends too early"},
		{`{"token":`, "{}", asJSON, 9, "ends too early"},
		{`{token: s3cret}`, "{}", asJSON, 1, "no double quotes"},
		{`{"token": s3cret}`, "{}", asJSON, 10, "not JSON from byte 10 on (expecting value)"},
	} {
		got, w := DecodeKwargs("secrets", "backend_kwargs", c.text)
		if pyjson.Encode(got) != c.want {
			t.Errorf("DecodeKwargs(%.30q) = %s, want %s", c.text, pyjson.Encode(got), c.want)
		}
		if w == nil {
			w = &KwargsWarning{}
		}
		if w.Text != c.warning || w.Byte != c.at || !strings.Contains(w.Hint, c.hint) {
			t.Errorf("DecodeKwargs(%.30q) warns %+v", c.text, *w)
		}
		if strings.Contains(w.Hint, "s3") || strings.Contains(w.Hint, "TOKEN") {
			t.Errorf("the hint on %.30q gives it away: %s", c.text, w.Hint)
		}
	}
	if _, w := DecodeKwargs("workers", "secrets_backend_kwargs", "x"); w == nil ||
		w.Text != "Failed to parse [workers] secrets_backend_kwargs as JSON, defaulting to no kwargs." {
		t.Errorf("for [workers]: %+v", w)
	}
}

func TestOverrideKwargs(t *testing.T) {
	kwargs, _ := DecodeKwargs("secrets", "backend_kwargs", `{"token": "json", "url": "u"}`)
	used := OverrideKwargs(kwargs, "secrets", "backend_kwargs", []string{
		"AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN=a=b",
		"AIRFLOW__SECRETS__BACKEND_KWARG__KV_ENGINE_VERSION=null",
		"AIRFLOW__SECRETS__BACKEND_KWARG__=no name",
		"AIRFLOW__SECRETS__BACKEND_KWARGS={}",
		"AIRFLOW__WORKERS__SECRETS_BACKEND_KWARG__URL=other section",
		"airflow__secrets__backend_kwarg__url=other case",
	})
	if got, want := pyjson.Encode(kwargs), `{"token": "a=b", "url": "u", "kv_engine_version": "null"}`; got != want {
		t.Errorf("kwargs are %s, want %s", got, want)
	}
	if want := []string{"AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN", "AIRFLOW__SECRETS__BACKEND_KWARG__KV_ENGINE_VERSION"}; !slices.Equal(used, want) {
		t.Errorf("used %q, want %q", used, want)
	}
}
