package pyjson

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

func obj(pairs ...any) *Object {
	o := NewObject()
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

func TestDecode(t *testing.T) {
	big20, _ := new(big.Int).SetString("12345678901234567890", 10)
	for _, c := range []struct {
		text string
		want any
	}{
		{"null", nil},
		{" \t\r\ntrue ", true},
		{"false", false},
		{"0", int64(0)},
		{"-0", int64(0)},
		{"-12", int64(-12)},
		{"9223372036854775807", int64(math.MaxInt64)},
		{"12345678901234567890", big20},
		{"1.50", 1.5},
		{"1e5", 1e5},
		{"1E+2", 100.0},
		{"1e400", math.Inf(1)},
		{"-1e400", math.Inf(-1)},
		{"1e-400", 0.0},
		{"Infinity", math.Inf(1)},
		{"-Infinity", math.Inf(-1)},
		{`""`, ""},
		{`"a\"\\\/\b\f\n\r\tz"`, "a\"\\/\b\f\n\r\tz"},
		{`"\u00e9\u20AC"`, "é€"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\ud800"`, "\xed\xa0\x80"},
		{`"\ude00\ud83d"`, "\xed\xb8\x80\xed\xa0\xbd"},
		{`"\ud83dx"`, "\xed\xa0\xbdx"},
		{`"\ud83d\n"`, "\xed\xa0\xbd\n"},
		{`"\ud83d\ud83d\ude00"`, "\xed\xa0\xbd😀"},
		{"\"é\x7f\xff\"", "é\x7f\xff"},
		{"[]", []any{}},
		{"[1, [2] ,\"x\"]", []any{int64(1), []any{int64(2)}, "x"}},
		{"{}", obj()},
		{`{"b":1,"a":2,"b":3}`, obj("b", int64(3), "a", int64(2))},
	} {
		got, err := Decode(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Decode(%q) = %#v, %v; want %#v", c.text, got, err, c.want)
		}
	}
	if v, err := Decode("NaN"); err != nil || !math.IsNaN(v.(float64)) {
		t.Errorf("Decode(NaN) = %v, %v", v, err)
	}
	if v, err := Decode("-0.0"); err != nil || !math.Signbit(v.(float64)) {
		t.Errorf("Decode(-0.0) = %v, %v", v, err)
	}
}

// The texts are those of Python 3.11's json module.
func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "Expecting value: line 1 column 1 (char 0)"},
		{" \v1", "Expecting value: line 1 column 2 (char 1)"},
		{"\ufeff1", "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)"},
		{"[", "Expecting value: line 1 column 2 (char 1)"},
		{"[1", "Expecting ',' delimiter: line 1 column 3 (char 2)"},
		{"[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"},
		{"[1,]", "Expecting value: line 1 column 4 (char 3)"},
		{"[1,,2]", "Expecting value: line 1 column 4 (char 3)"},
		{`{"a"`, "Expecting ':' delimiter: line 1 column 5 (char 4)"},
		{`{"a":`, "Expecting value: line 1 column 6 (char 5)"},
		{`{"a":1,}`, "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)"},
		{`{'a':1}`, "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
		{`{"a":1 "b":2}`, "Expecting ',' delimiter: line 1 column 8 (char 7)"},
		{"{\"é\":1,\n\n \"ü\" 2}", "Expecting ':' delimiter: line 3 column 6 (char 14)"},
		{"\"\xff\xed\xa0\x80", "Unterminated string starting at: line 1 column 1 (char 0)"},
		{"[\"\xff\xed\xa0\x80\" 1]", "Expecting ',' delimiter: line 1 column 7 (char 6)"},
		{`"abc`, "Unterminated string starting at: line 1 column 1 (char 0)"},
		{`{"a`, "Unterminated string starting at: line 1 column 2 (char 1)"},
		{`"\`, "Unterminated string starting at: line 1 column 1 (char 0)"},
		{"\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)"},
		{`"\x"`, `Invalid \escape: line 1 column 2 (char 1)`},
		{`"\u12"`, `Invalid \uXXXX escape: line 1 column 3 (char 2)`},
		{`"\u+123"`, `Invalid \uXXXX escape: line 1 column 3 (char 2)`},
		{`"\ud800\u12"`, `Invalid \uXXXX escape: line 1 column 9 (char 8)`},
		{"nul", "Expecting value: line 1 column 1 (char 0)"},
		{"True", "Expecting value: line 1 column 1 (char 0)"},
		{"-", "Expecting value: line 1 column 1 (char 0)"},
		{"01", "Extra data: line 1 column 2 (char 1)"},
		{"1.", "Extra data: line 1 column 2 (char 1)"},
		{"1e+", "Extra data: line 1 column 2 (char 1)"},
		{"1 2", "Extra data: line 1 column 3 (char 2)"},
		{strings.Repeat("9", 4301), "Exceeds the limit (4300 digits) for integer string conversion: value has 4301 digits; use sys.set_int_max_str_digits() to increase the limit"},
		{strings.Repeat("[", 1_000_000), "maximum recursion depth exceeded while decoding a JSON array from a unicode string"},
		{strings.Repeat(`{"a":`, 1_000_000), "maximum recursion depth exceeded while decoding a JSON object from a unicode string"},
	} {
		name := c.text
		if len(name) > 20 {
			name = name[:20]
		}
		v, err := Decode(c.text)
		var e *Error
		if v != nil || !errors.As(err, &e) || err.Error() != c.want {
			t.Errorf("Decode(%q) = %v, %v; want %s", name, v, err, c.want)
		}
	}
}

func TestDecodeErrorKinds(t *testing.T) {
	for text, want := range map[string]string{
		"x":                             "JSONDecodeError",
		"-" + strings.Repeat("9", 4301): "ValueError",
		strings.Repeat("[", 2000):       "RecursionError",
	} {
		_, err := Decode(text)
		var e *Error
		if !errors.As(err, &e) || e.Type != want {
			t.Errorf("Decode(%.5s...) fails with %+v, want type %s", text, err, want)
		}
	}
	if _, err := Decode(strings.Repeat("9", 4300)); err != nil {
		t.Errorf("4300 digits: %v", err)
	}
	deep := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	if v, err := Decode(deep); err != nil || Encode(v) != deep {
		t.Errorf("%d levels: %v", maxDepth, err)
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`[1,2.50,"x",null,true,false]`, `[1, 2.5, "x", null, true, false]`},
		{`{"b":{"c":[]},"a":{}}`, `{"b": {"c": []}, "a": {}}`},
		{"[1e16,1e15,123456789012345680000,1e22,0.0001,0.00001,-0.0,1e300,5e-324,0.1]",
			"[1e+16, 1000000000000000.0, 123456789012345680000, 1e+22, 0.0001, 1e-05, -0.0, 1e+300, 5e-324, 0.1]"},
		{"[NaN,Infinity,-Infinity]", "[NaN, Infinity, -Infinity]"},
		{"\"\x7fé€😀/<>&\\u2028\\b\\f\\n\\r\\t\\u000b\\u0000\"", `"\u007f\u00e9\u20ac\ud83d\ude00/<>&\u2028\b\f\n\r\t\u000b\u0000"`},
		{`"\ud800\udc00\udfff"`, `"\ud800\udc00\udfff"`},
		{"\"\xff\"", `"\udcff"`},
	} {
		v, err := Decode(c.in)
		if err != nil {
			t.Fatalf("Decode(%s): %v", c.in, err)
		}
		if got := Encode(v); got != c.want {
			t.Errorf("Encode(%s) = %s, want %s", c.in, got, c.want)
		}
	}
	if got := Encode([]any{7, nil}); got != "[7, null]" {
		t.Errorf("Encode of Go values = %s", got)
	}
}

func TestEncodeIndent(t *testing.T) {
	v, err := Decode(`{"a":[1,{"b":[]}],"c":{}, "d":"x"}`)
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "a": [
    1,
    {
      "b": []
    }
  ],
  "c": {},
  "d": "x"
}`
	if got := EncodeIndent(v); got != want {
		t.Errorf("EncodeIndent = %s\nwant %s", got, want)
	}
	if got := EncodeIndent("s"); got != `"s"` {
		t.Errorf("EncodeIndent of a string = %s", got)
	}
}

func TestObject(t *testing.T) {
	o := obj("a", 1, "b", 2, "c", 3)
	keys := o.Keys()
	c := o.Clone()
	o.Delete("b")
	o.Delete("no such key")
	o.Set("a", 9)
	if got := Encode(o); got != `{"a": 9, "c": 3}` {
		t.Errorf("after Delete and Set: %s", got)
	}
	if strings.Join(keys, "") != "abc" || Encode(c) != `{"a": 1, "b": 2, "c": 3}` {
		t.Errorf("Delete changed what was handed out: %v, %s", keys, Encode(c))
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e3,"x\u00e9\ud800",null,true,NaN,-Infinity]}`, "[[[]]]", `"\ud83d\ude00"`, "\"\xff\xed\xa0\x80\"",
		"12345678901234567890123", `{"a":1,"a":2}`, "01", `{'a'}`, "\ufeff{}", " [1 , 2 ] ", `"\u12`, "1e999", "-",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Decode(s)
		if err != nil {
			var e *Error
			if v != nil || !errors.As(err, &e) || e.Byte > len(s) || e.Char > e.Byte {
				t.Fatalf("Decode(%q) = %v, %v", s, v, err)
			}
			return
		}
		once := Encode(v)
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("Decode(%q), the encoding of %q: %v", once, s, err)
		}
		if twice := Encode(again); twice != once {
			t.Fatalf("%q encodes as %q, and that as %q", s, once, twice)
		}
		if i, err := Decode(EncodeIndent(v)); err != nil || Encode(i) != once {
			t.Fatalf("EncodeIndent of %q does not read back: %v", s, err)
		}
	})
}
