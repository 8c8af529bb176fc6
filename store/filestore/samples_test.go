package filestore

// sample is a file: its name gives the format.
type sample struct{ name, content string }

// samples are files as people write them, and as they get them wrong.
func samples() []sample {
	files := []sample{{".env", "A=b"}, {"x", "A=b"}, {"x.txt", "A=b"}, {"x.ENV", "A=b"}, {"x.Json", `{"a": "b"}`}, {"x.YML", "a: b"}, {"x.json.", `{}`},
		{"a.b.json", `{"a": "b"}`}, {"x.yaml.bak", "a: b"}}
	for _, content := range []string{
		"", "A=b", "A=b\n", "A=b\r\nC=d\r\n", "A=b\rC=d", "A=b\n\nC=d", "# comment\nA=b", "  # comment\nA=b", "A=b # kept", "A = b ", " A=b", "A= ", "A=",
		"=b", "A", "A=b\nA=c", "A=b\nA=b", "A=\"q\"", "A='q'", "export A=b", "A=b=c", "A==", "a.b-c=x", "é=ü", "A=b\u2028C=d", "A=b\fC=d", "A=b\x1cC=d", "\ufeffA=b",
		"A=postgres://u:p@h:5432/s?a=b", "A=postgres://u:p%40@h/s\nB=http://h", "A={\"conn_type\": \"x\"}", "A=http://h:port", "A=\xff", "A=b\n \nC=d", "A=b\n\t\n", "#", " ",
		"bad id=http://h", "A=://", "A=a://b://c://d", "A=http://h?__extra__=%7B%7D",
	} {
		files = append(files, sample{"x.env", content})
	}
	for _, content := range []string{
		"", " ", "{}", "[]", "null", `"a"`, "1", `{"a": "b"}`, `{"a": 1, "b": 1.5, "c": true, "d": null, "e": [1, 2], "f": {"g": "h"}}`, `{"a": ["x"]}`, `{"a": []}`, `{"a": ["x", "y"]}`,
		`{"a": "b", "a": "c"}`, `{"a": NaN, "b": Infinity, "c": -Infinity}`, `{"a": 123456789012345678901234567890}`, `{"a": 1e400}`, `{a: 1}`, `{'a': 1}`, `{"a": 1,}`, `{"a": "b"} x`,
		"\ufeff{}", "{\"a\": \"b\nc\"}", `{"a": "\ud800"}`, `{"a": "\u0000"}`, "{\"a\": \"\xff\"}", `{"": "x"}`,
		`{"a": "postgres://u:p@h:5432/s"}`, `{"a": {"conn_type": "postgres", "host": "h", "port": 5432, "login": "l", "password": "p", "schema": "s", "extra": "{\"k\": 1}"}}`,
		`{"a": {"conn_type": "x", "extra_dejson": {"k": [1, "é"]}}}`, `{"a": {"extra": "{}", "extra_dejson": {}}}`, `{"a": {"nope": 1}}`, `{"a": {"conn_id": "a", "conn_type": "x"}}`, `{"a": {"conn_id": "b"}}`,
		`{"a": {"uri": "http://h"}}`, `{"a": {"uri": "http://h", "host": "x"}}`, `{"a": {"port": "5432"}}`, `{"a": {"extra": {"k": 1}}}`, `{"a": {"extra": "no json"}}`, `{"a": {}}`,
		`{"a": [{"conn_type": "x"}]}`, `{"a": ["http://h", "http://i"]}`, `{"a": 5}`, `{"a": "http://h", "b": 5}`, `{"a": ""}`, `{"bad id": "http://h"}`, `{"a": {"conn_type": "google-cloud-platform"}}`,
		`{"a": {"description": "d", "conn_type": null}}`, `{"a": true}`, `{"a": "{\"conn_type\": \"x\"}"}`, `{"a": {"password": 5}}`, `{"a": {"extra_dejson": "text"}}`, `{"a": {"extra_dejson": null}}`,
	} {
		files = append(files, sample{"x.json", content})
	}
	for _, content := range yamlSamples {
		files = append(files, sample{"x.yaml", content})
	}
	return files
}

var yamlSamples = []string{
	"", " ", "# nothing", "---", "a: b", "a: b\n", "---\na: b\n...\n", "a: b\n---\nc: d", "- a\n- b", "text", "a: ", "a:\nb: ~", "a: null", "a: Null", "a: NULL", "a: nUll",
	"a: yes\nb: no\nc: on\nd: off\ne: y\nf: n\ng: Yes\nh: TRUE\ni: tRue\nj: 'yes'\nk: \"off\"",
	"a: 1\nb: -1\nc: +1\nd: 0\ne: 010\nf: 0o10\ng: 0x1F\nh: 0b101\ni: 1_000\nj: 08\nk: 1:30\nl: 190:20:30\nm: -1:30\nn: 00\no: 0x\np: 1__0\nq: 09:30",
	"a: 1.5\nb: 1.\nc: .5\nd: 1e3\ne: 1.0e3\nf: 1.0e+3\ng: .inf\nh: -.INF\ni: .nan\nj: 1:30.5\nk: 1_0.5\nl: 1.5e-3\nm: +.5\nn: .\no: 1e+3\np: -.5",
	"a: 12345678901234567890\nb: -99999999999999999999999", "a: 2020-01-02", "a: 2020-01-02 03:04:05\nb: 2020-01-02T03:04:05Z\nc: 2020-01-02 03:04:05.5 +01:30\nd: 2020-1-2 3:04:05",
	"a: 2020-13-40", "a: 2020-1-2", "a: 2001-12-14t21:59:43.10-05:00", "a: !!str 5\nb: !!int '5'\nc: !!float 5", "a: !!bool yes\nb: !!null ''", "a: !!binary aGVsbG8=", "a: !custom 5", "a: !!python/object:os.system x",
	"a: !!set {x}", "a: !!omap [x: 1]", "a: 'it''s'\nb: \"tab\\tend\"\nc: \"\\x41\\u00e9\"", "a: |\n  line\n  two\nb: >\n  folded\n  text\n\n  more\nc: |-\n  x\nd: |+\n  x\n\n",
	"a: plain\n  continued\n  here\nb: x", "a: {b: c, d: [1, yes]}\ne: [x, {y: z}]", "a: &x {conn_type: http, host: h}\nb: *x", "a: &x http://h\nb: *x", "base: &b {conn_type: t, host: h}\nc:\n  <<: *b\n  host: i",
	"a:\n  <<: {x: 1, y: 2}\n  y: 3", "a:\n  <<: [{x: 1}, {x: 2, z: 3}]", "a:\n  <<: 5", "a: *unknown", "a: &a [*a]", "a: b\na: c", "1: x\nyes: y\n2020-01-01: z\n~: w\na: b", "? a\n: b", "? [a]\n: b", "? {a: b}\n: c",
	"a: b: c", "a:\n\tb: c", "a: b\n c: d", "a: 'open", "a: [1, 2", "a: {b", "a: @x", "a: `x`", "a: %x", "%YAML 1.1\n---\na: b", "%YAML 1.2\n---\na: b", "%TAG ! tag:x,2000:\n---\na: b", "a: \"\\q\"", "\ufeffa: b", "a: \x01", "a: \u0085b", "a: é😀",
	"a: b # comment\nc: d#e", "a: 'x' # y", "a: =\nb: <<", "a: postgres://u:p@h:5432/s?x=y", "a:\n  conn_type: postgres\n  host: h\n  port: 5432\n  password: 0123\n  extra_dejson:\n    k: yes\n    n: 1.5",
	"a:\n  conn_type: postgres\n  port: '5432'\n  login: 2020-01-01", "a:\n  - http://h", "a:\n  - http://h\n  - http://i", "a: []", "a: {conn_type: x, extra_dejson: {d: 2020-01-01}}", "a: {conn_type: x, 1: 2}", "a: ''", "a: 5", "a: yes",
	"a: {uri: 'http://h'}", "a: {conn_type: x, extra: '{\"k\": 1}'}", "a: {conn_type: x, extra: {k: 1}}", "a: {conn_type: x, extra: 'no'}", "key with blanks: http://h", "'quoted key': http://h", "a: {{ template }}", "a: ${VAR}", "a: !env VAR",
	"a: \"multi\n  line\n\n  quoted\"", "a: - b", "a:b", "a : b", "a: ,b", "a: [a,b]\nb: [ ]\nc: { }", "a: ? b", "-\n  a: b", "a: |2\n   x\n  y", "a: b\n...\nc: d", "a: 0.1.2\nb: 1.2.3.4\nc: 1-2\nd: 12e03\ne: 0xZZ", "a: ~x\nb: null x",
	"a: &anchor b\nc: &anchor d\ne: *anchor", "a: !!str\nb: !!map {c: d}\ne: !!seq [f]", "a: \"\"\nb: \"a\\\n  b\"", "a: {b: }\nc: {d, e: f}", "\"a\": \"b\"", "a: !<tag:yaml.org,2002:str> 5", "a: !!int x", "a: !!timestamp 2020-01-01", "a: 1 # one\nb: '#no'",
}
