package settings

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestConfigFile(t *testing.T) {
	const text = `# generated
[DEFAULT]
shared = from-default

[core]
plain = value
colon: value ; not a comment
spaced   =   two words
empty =
; a comment
UPPER = kept as it is
multi = {
    "a": 1,
    # not part of it

    "b": 2
  }
next = 1
percent = 50%%
ref = %(plain)s-%(shared)s
[other section] trailing
x = 1
`
	f, err := parseConfig("airflow.cfg", text, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		section, key, want string
		line               int
		found              bool
	}{
		{"core", "plain", "value", 6, true},
		{"core", "colon", "value ; not a comment", 7, true},
		{"core", "spaced", "two words", 8, true},
		{"core", "empty", "", 9, true},
		{"core", "upper", "", 0, false},
		{"core", "UPPER", "kept as it is", 11, true},
		{"core", "multi", "{\n\"a\": 1,\n\n\"b\": 2\n}", 12, true},
		{"core", "next", "1", 18, true},
		{"core", "percent", "50%", 19, true},
		{"core", "ref", "value-from-default", 20, true},
		{"core", "shared", "from-default", 3, true},
		{"other section", "x", "1", 22, true},
		{"Core", "plain", "", 0, false},
		{"nowhere", "shared", "", 0, false},
	} {
		got, line, ok, err := f.get(c.section, c.key)
		if got != c.want || line != c.line || ok != c.found || err != nil {
			t.Errorf("get(%q, %q) = %q, line %d, %v, %v; want %q, line %d, %v", c.section, c.key, got, line, ok, err, c.want, c.line, c.found)
		}
	}
}

func TestConfigFileErrors(t *testing.T) {
	for _, c := range []struct{ name, text, at, kind string }{
		{"an option above every section", "\na = s3cret\n", "airflow.cfg:2", missingSection},
		{"a section twice", "[a]\nx=1\n[b]\n[a]\n", "airflow.cfg:4", duplicateSection},
		{"an option twice", "[a]\nx=1\nx : s3cret\n", "airflow.cfg:3", duplicateOption},
		{"a line that is no option", "[a]\nx=1\ns3cret\ny=2\n", "airflow.cfg:3", parsingError},
		{"an option without a name", "[a]\n= s3cret\n", "airflow.cfg:2", parsingError},
		{"bytes that are no text", "[a]\nx=\xff\xfe\n", "airflow.cfg", unicodeDecode},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseConfig("airflow.cfg", c.text, false)
			var e *Error
			if !errors.As(err, &e) || e.Type != c.kind || !strings.Contains(err.Error(), `"`+c.at+`"`) {
				t.Fatalf("parseConfig = %v, want %s at %s", err, c.kind, c.at)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
	if _, err := parseConfig("airflow.cfg", "[a]\n", true); err == nil {
		t.Error("a byte order mark is taken, which Airflow refuses")
	}
}

func TestInterpolationErrors(t *testing.T) {
	f, err := parseConfig("airflow.cfg", "[a]\nlone = 50%x\nopen = %(x\nnone = %(nowhere)s\nloop = %(loop)s\nend = 5%\n", false)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"lone": interpolationSyntax, "open": interpolationSyntax, "end": interpolationSyntax,
		"none": interpolationMissing, "loop": interpolationDepth,
	} {
		_, _, _, err := f.get("a", key)
		var e *Error
		if !errors.As(err, &e) || e.Type != want {
			t.Errorf("get(a, %s) = %v, want %s", key, err, want)
		}
	}
}

// TestInterpolationIsBounded reads a file whose references double each other.
func TestInterpolationIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("[a]\nx0 = %%" + strings.Repeat("y", 1000) + "\n")
	for _, n := range "123456789" {
		b.WriteString("x" + string(n) + " = " + strings.Repeat("%(x"+string(n-1)+")s", 100) + "\n")
	}
	f, err := parseConfig("airflow.cfg", b.String(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := f.get("a", "x9"); err == nil {
		t.Error("100 to the 9th references were followed")
	}
}

// TestInterpolationIsBoundedForAFile reads options that all refer to a long
// one: what they make together has a bound, and what refers to nothing is read.
func TestInterpolationIsBoundedForAFile(t *testing.T) {
	const of, many = 1 << 16, 1000
	text := "[a]\nlong = " + strings.Repeat("y", of) + "\n"
	for i := range many {
		text += fmt.Sprintf("x%d = %%(long)s\n", i)
	}
	options, err := ReadConfig("airflow.cfg", text+"plain = z\n")
	if err != nil || len(options) != many+2 {
		t.Fatalf("%d options, %v", len(options), err)
	}
	made := 0
	for _, o := range options {
		made += len(o.Value)
		if o.Known != (o.Err == nil) || !o.Known && o.Value != "" {
			t.Errorf("%s is known: %t, %v", o.Home.Key, o.Known, o.Err)
		}
	}
	if made > mostExpanded+len(text) {
		t.Errorf("%d bytes were made of %d", made, len(text))
	}
	if first, last := options[1], options[many+1]; len(first.Value) != of || last.Value != "z" {
		t.Errorf("the first option has %d bytes, the last is %q", len(first.Value), last.Value)
	}
}
