package dagscan

import (
	"bytes"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// ignoreComment is the comment with its rules: what follows a colon, a bracket
// or " - " is its reason.
var ignoreComment = lazyregexp.New(`#[ \t]*airlock:ignore[ \t]+([\w,\t -]*)`)

var (
	ignoreReason = lazyregexp.New(`[ \t]-+[ \t]`)
	ignoreWord   = lazyregexp.New(`[^,\s]+`)
)

// ignores lists the comments of a file that silence rules, each rule at its
// own place.
func ignores(file string, data []byte) []Ignore {
	var found []Ignore
	if !bytes.Contains(data, []byte("airlock:ignore")) {
		return nil
	}
	for _, at := range ignoreComment.FindAllSubmatchIndex(data, -1) {
		list := data[at[2]:at[3]]
		if reason := ignoreReason.FindIndex(list); reason != nil {
			list = list[:reason[0]]
		}
		begin := bytes.LastIndexByte(data[:at[0]], '\n') + 1
		one := Ignore{Place: Place{File: file, Line: bytes.Count(data[:at[0]], []byte("\n")) + 1,
			Column: utf8.RuneCount(data[begin:at[0]]) + 1}}
		for _, word := range ignoreWord.FindAll(list, -1) {
			one.Rules = append(one.Rules, string(word))
		}
		if len(one.Rules) > 0 {
			found = append(found, one)
		}
	}
	return found
}
