package filestore

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patterns are the implicit types of YAML 1.1, as PyYAML has them, in the
// order in which it tries them. They are compiled at the first YAML file.
var patterns = sync.OnceValue(func() []implicit {
	list := []implicit{
		{"!!bool", "yYnNtTfFoO", `yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF`, nil},
		{"!!float", "-+0123456789.", `[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|` +
			`[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)`, nil},
		{"!!int", "-+0123456789", `[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+`, nil},
		{"!!null", "~nN", `~|null|Null|NULL`, nil},
		{"!!timestamp", "0123456789", `[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]|[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?` +
			`(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?`, nil},
	}
	for i := range list {
		list[i].compiled = regexp.MustCompile(`^(?:` + list[i].pattern + `)\n?$`)
	}
	return list
})

type implicit struct {
	tag, first, pattern string
	compiled            *regexp.Regexp
}

// resolve is the type of a plain scalar; "" is a string.
func resolve(text string) string {
	if text == "" {
		return "!!null"
	}
	if text == "<<" || text == "=" {
		// Anywhere but as a key PyYAML knows nothing to do with them.
		return map[string]string{"<<": "!!merge", "=": "!!value"}[text]
	}
	for _, p := range patterns() {
		if strings.IndexByte(p.first, text[0]) >= 0 && p.compiled.MatchString(text) {
			return p.tag
		}
	}
	return ""
}

// constructScalar makes a value of the text of a scalar.
func constructScalar(tag, text string) (any, error) {
	switch tag {
	case "", "!", "!!str":
		return text, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		switch strings.ToLower(text) {
		case "yes", "true", "on":
			return true, nil
		case "no", "false", "off":
			return false, nil
		}
	case "!!int":
		return integer(text)
	case "!!float":
		return float(text)
	case "!!timestamp":
		return timestamp(text)
	case "!!binary":
		return binary(text)
	}
	return nil, errTag
}

// sign takes the sign off a number.
func sign(text string) (negative bool, rest string) {
	text = strings.ReplaceAll(text, "_", "")
	switch {
	case strings.HasPrefix(text, "-"):
		return true, text[1:]
	case strings.HasPrefix(text, "+"):
		return false, text[1:]
	}
	return false, text
}

// integer is construct_yaml_int.
func integer(text string) (any, error) {
	negative, digits := sign(text)
	n := new(big.Int)
	ok := digits != ""
	switch {
	case strings.HasPrefix(digits, "0b"):
		_, ok = n.SetString(digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		_, ok = n.SetString(digits[2:], 16)
	case strings.HasPrefix(digits, "0"):
		_, ok = n.SetString(digits, 8)
	case strings.Contains(digits, ":"):
		for part := range strings.SplitSeq(digits, ":") {
			digit, valid := new(big.Int).SetString(part, 10)
			if ok = ok && valid; ok {
				n.Add(n.Mul(n, big.NewInt(60)), digit)
			}
		}
	case ok:
		_, ok = n.SetString(digits, 10)
	}
	const mostDigits = 4300 // sys.get_int_max_str_digits()
	if !ok || len(digits) > mostDigits {
		return nil, fmt.Errorf("a number cannot be read")
	}
	if negative {
		n.Neg(n)
	}
	if n.IsInt64() {
		return n.Int64(), nil
	}
	return n, nil
}

// float is construct_yaml_float.
func float(text string) (any, error) {
	negative, digits := sign(strings.ToLower(text))
	var f float64
	switch {
	case digits == ".inf":
		return infinite(text), nil
	case digits == ".nan":
		return math.NaN(), nil
	case strings.Contains(digits, ":"):
		for part := range strings.SplitSeq(digits, ":") {
			n, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return nil, errTag
			}
			f = f*60 + n
		}
	default:
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil && !math.IsInf(n, 0) {
			return nil, errTag
		}
		f = n
	}
	if negative {
		f = -f
	}
	return f, nil
}

var timestampParts = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?` +
		`(?:[ \t]*(Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?)?\n?$`)
})

// timestamp is construct_yaml_timestamp, as str() shows what comes of it.
func timestamp(text string) (any, error) {
	m := timestampParts().FindStringSubmatch(text)
	if m == nil {
		return nil, errTag
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v }
	day := time.Date(n(1), time.Month(n(2)), n(3), 0, 0, 0, 0, time.UTC)
	if day.Year() != n(1) || n(1) == 0 || int(day.Month()) != n(2) || day.Day() != n(3) || n(4) > 23 || n(5) > 59 || n(6) > 59 {
		return nil, fmt.Errorf("a date does not exist")
	}
	date := day.Format("2006-01-02")
	if m[4] == "" {
		return &special{"date", date}, nil
	}
	out := fmt.Sprintf("%s %02d:%02d:%02d", date, n(4), n(5), n(6))
	if fraction := (m[7] + "000000")[:6]; fraction != "000000" {
		out += "." + fraction
	}
	switch {
	case m[9] != "":
		minutes := n(10)*60 + n(11)
		if minutes >= 24*60 {
			return nil, fmt.Errorf("a time zone does not exist")
		}
		zone := m[9]
		if minutes == 0 {
			zone = "+"
		}
		out += fmt.Sprintf("%s%02d:%02d", zone, minutes/60, minutes%60)
	case m[8] != "":
		out += "+00:00"
	}
	return &special{"datetime", out}, nil
}
