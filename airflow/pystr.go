package airflow

import (
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// This file does to strings what methods of Python's str do. Strings hold
// lone surrogates and foreign bytes as package pyjson describes.

// strip is str.strip(): it removes what str.isspace() holds for.
func strip(s string) string { return strings.TrimFunc(s, isSpace) }

// isSpace is unicode.IsSpace and the four ASCII separators.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F }

func isSurrogate(r rune) bool { return 0xD800 <= r && r <= 0xDFFF }

// characters splits s as Python counts it.
func characters(s string) []rune {
	var runes []rune
	for s != "" {
		r, size := pyjson.DecodeRune(s)
		runes = append(runes, r)
		s = s[size:]
	}
	return runes
}

// mapRunes applies f to the characters of s, i being the place of each, and
// keeps surrogates, which no case mapping touches.
func mapRunes(s string, f func(i int, r rune) string) string {
	var b strings.Builder
	for i := 0; s != ""; i++ {
		r, size := pyjson.DecodeRune(s)
		if isSurrogate(r) {
			b.WriteString(s[:size])
		} else {
			b.WriteString(f(i, r))
		}
		s = s[size:]
	}
	return b.String()
}

// upper is str.upper(): the full mapping, in which one character may become
// several.
func upper(s string) string {
	return mapRunes(s, func(_ int, r rune) string {
		if r >= 0xDF {
			if _, after, ok := strings.Cut(fullUpper, " "+string(r)+"="); ok {
				u, _, _ := strings.Cut(after, " ")
				return u
			}
		}
		return string(unicode.ToUpper(r))
	})
}

// fullUpper is what Python 3.11 makes of
//
//	" ".join(f"{chr(c)}={chr(c).upper()}" for c in range(0x110000) if len(chr(c).upper()) > 1)
//
// with a blank at each end: the unconditional entries of Unicode's
// SpecialCasing.txt. A test asks Python again.
const fullUpper = " \u00df=SS \u0149=\u02bcN \u01f0=J\u030c \u0390=\u0399\u0308\u0301 \u03b0=\u03a5\u0308\u0301 " +
	"\u0587=\u0535\u0552 \u1e96=H\u0331 \u1e97=T\u0308 \u1e98=W\u030a \u1e99=Y\u030a \u1e9a=A\u02be " +
	"\u1f50=\u03a5\u0313 \u1f52=\u03a5\u0313\u0300 \u1f54=\u03a5\u0313\u0301 \u1f56=\u03a5\u0313\u0342 " +
	"\u1f80=\u1f08\u0399 \u1f81=\u1f09\u0399 \u1f82=\u1f0a\u0399 \u1f83=\u1f0b\u0399 \u1f84=\u1f0c\u0399 " +
	"\u1f85=\u1f0d\u0399 \u1f86=\u1f0e\u0399 \u1f87=\u1f0f\u0399 \u1f88=\u1f08\u0399 \u1f89=\u1f09\u0399 " +
	"\u1f8a=\u1f0a\u0399 \u1f8b=\u1f0b\u0399 \u1f8c=\u1f0c\u0399 \u1f8d=\u1f0d\u0399 \u1f8e=\u1f0e\u0399 " +
	"\u1f8f=\u1f0f\u0399 \u1f90=\u1f28\u0399 \u1f91=\u1f29\u0399 \u1f92=\u1f2a\u0399 \u1f93=\u1f2b\u0399 " +
	"\u1f94=\u1f2c\u0399 \u1f95=\u1f2d\u0399 \u1f96=\u1f2e\u0399 \u1f97=\u1f2f\u0399 \u1f98=\u1f28\u0399 " +
	"\u1f99=\u1f29\u0399 \u1f9a=\u1f2a\u0399 \u1f9b=\u1f2b\u0399 \u1f9c=\u1f2c\u0399 \u1f9d=\u1f2d\u0399 " +
	"\u1f9e=\u1f2e\u0399 \u1f9f=\u1f2f\u0399 \u1fa0=\u1f68\u0399 \u1fa1=\u1f69\u0399 \u1fa2=\u1f6a\u0399 " +
	"\u1fa3=\u1f6b\u0399 \u1fa4=\u1f6c\u0399 \u1fa5=\u1f6d\u0399 \u1fa6=\u1f6e\u0399 \u1fa7=\u1f6f\u0399 " +
	"\u1fa8=\u1f68\u0399 \u1fa9=\u1f69\u0399 \u1faa=\u1f6a\u0399 \u1fab=\u1f6b\u0399 \u1fac=\u1f6c\u0399 " +
	"\u1fad=\u1f6d\u0399 \u1fae=\u1f6e\u0399 \u1faf=\u1f6f\u0399 \u1fb2=\u1fba\u0399 \u1fb3=\u0391\u0399 " +
	"\u1fb4=\u0386\u0399 \u1fb6=\u0391\u0342 \u1fb7=\u0391\u0342\u0399 \u1fbc=\u0391\u0399 \u1fc2=\u1fca\u0399 " +
	"\u1fc3=\u0397\u0399 \u1fc4=\u0389\u0399 \u1fc6=\u0397\u0342 \u1fc7=\u0397\u0342\u0399 \u1fcc=\u0397\u0399 " +
	"\u1fd2=\u0399\u0308\u0300 \u1fd3=\u0399\u0308\u0301 \u1fd6=\u0399\u0342 \u1fd7=\u0399\u0308\u0342 " +
	"\u1fe2=\u03a5\u0308\u0300 \u1fe3=\u03a5\u0308\u0301 \u1fe4=\u03a1\u0313 \u1fe6=\u03a5\u0342 " +
	"\u1fe7=\u03a5\u0308\u0342 \u1ff2=\u1ffa\u0399 \u1ff3=\u03a9\u0399 \u1ff4=\u038f\u0399 \u1ff6=\u03a9\u0342 " +
	"\u1ff7=\u03a9\u0342\u0399 \u1ffc=\u03a9\u0399 \ufb00=FF \ufb01=FI \ufb02=FL \ufb03=FFI \ufb04=FFL " +
	"\ufb05=ST \ufb06=ST \ufb13=\u0544\u0546 \ufb14=\u0544\u0535 \ufb15=\u0544\u053b \ufb16=\u054e\u0546 " +
	"\ufb17=\u0544\u053d "

// lower is str.lower(): the full mapping, of which only the capital I with a
// dot becomes two characters, and capital sigma depends on where it stands.
func lower(s string) string {
	var all []rune
	if strings.ContainsRune(s, 'Σ') {
		all = characters(s)
	}
	return mapRunes(s, func(i int, r rune) string {
		switch {
		case r == '\u0130':
			return "i\u0307"
		case r == 'Σ' && isFinal(all, i):
			return "ς"
		}
		return string(unicode.ToLower(r))
	})
}

// isFinal is Unicode's condition Final_Sigma for the character at i: a cased
// one before it and none after it, ignorable ones aside.
func isFinal(s []rune, i int) bool {
	before := i - 1
	for before >= 0 && isIgnorable(s[before]) {
		before--
	}
	after := i + 1
	for after < len(s) && isIgnorable(s[after]) {
		after++
	}
	return before >= 0 && isCased(s[before]) && !(after < len(s) && isCased(s[after]))
}

// isCased is Unicode's derived property Cased.
func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Uppercase, unicode.Other_Lowercase)
}

// isIgnorable is Unicode's derived property Case_Ignorable; the characters
// listed are those whose Word_Break is MidLetter, MidNumLet or Single_Quote.
func isIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}

// isWord is \w of Python's re module for text: isalnum() or an underscore.
func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }
