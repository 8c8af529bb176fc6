// Package pyregex runs Python's regular expressions as re.match with
// re.IGNORECASE does: from the start of the text, not to its end, over
// Unicode. A pattern is parsed by Python's rules and handed to a backtracking
// engine in that engine's own words, so that look-around, back-references,
// conditions, atomic groups and possessive quantifiers are all there.
//
// # What is not kept
//
// Verbose patterns, (?x); ASCII matching, (?a); characters by name, \N{...};
// patterns longer than 10,000 characters or nested deeper than 200. They are
// refused by name with an [UnsupportedError]. A pattern that Python refuses as
// well is an [Error] with Python's own text.
package pyregex

import (
	"fmt"
	"time"

	"github.com/dlclark/regexp2"
)

// Pattern is a compiled regular expression. It is safe for concurrent use.
type Pattern struct{ re *regexp2.Regexp }

// Error is Python's re.error.
type Error struct {
	// What is wrong, in Python's words: "nothing to repeat".
	What string
	// Position is where, in characters from 0; -1 where Python names none.
	Position int
}

// Error is str() of the exception.
func (e *Error) Error() string {
	if e.Position < 0 {
		return e.What
	}
	return fmt.Sprintf("%s at position %d", e.What, e.Position)
}

// UnsupportedError names a construct of Python's that is not kept.
type UnsupportedError struct{ Construct string }

// Error names the construct.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("Python's %s in a regular expression is not supported by airlock", e.Construct)
}

// matchTimeout is how long one match may take: a pattern such as (a+)+$ takes
// years on the wrong text.
const matchTimeout = time.Second

// Compile parses a pattern. The error is an *Error or an *UnsupportedError.
func Compile(pattern string) (*Pattern, error) {
	text, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	re, err := regexp2.Compile(text, regexp2.None)
	if err != nil {
		return nil, &UnsupportedError{"construct that the engine does not take"}
	}
	re.MatchTimeout = matchTimeout
	return &Pattern{re}, nil
}

// Match reports whether text begins with what the pattern describes. It fails
// where that takes more than a second.
func (p *Pattern) Match(text string) (bool, error) {
	ok, err := p.re.MatchString(text)
	if err != nil {
		return false, fmt.Errorf("matching takes longer than %s", matchTimeout)
	}
	return ok, nil
}
