package project

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// Marks change nothing about where a place is.
func TestPositionWithMarks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "é", "\u2028", "\n", "\r\n", "𝄞", "\xff", strings.Repeat("b", 1500), strings.Repeat("é", 700), strings.Repeat("\n", 1100)}
	for range 50 {
		var b strings.Builder
		for range random.IntN(200) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		f := &File{Text: b.String()}
		f.index()
		for range 200 {
			at := random.IntN(len(f.Text) + 1)
			before := f.Text[:at]
			start := strings.LastIndexByte(before, '\n') + 1
			line, column := Span{File: f, Start: at}.Position()
			if want := strings.Count(before, "\n") + 1; line != want {
				t.Fatalf("byte %d stands on line %d, want %d", at, line, want)
			}
			if want := utf8.RuneCountInString(before[start:]) + 1; column != want {
				t.Fatalf("byte %d stands in column %d, want %d", at, column, want)
			}
		}
	}
}

// A text that is not the one that was marked is counted from its start.
func TestPositionOfAnotherText(t *testing.T) {
	f := &File{Text: "a\nb"}
	f.index()
	f.Text = "a\n\nbc"
	if line, column := (Span{File: f, Start: 4}).Position(); line != 3 || column != 2 {
		t.Errorf("%d:%d, want 3:2", line, column)
	}
}

// The settings that count are found with the index as without.
func TestLookupOfManySettings(t *testing.T) {
	p := readFolder(t, map[string]string{".env": strings.Repeat("A=1\nB=2\n", 2) + "A=3\n"})
	env := p.Environments[0]
	if s := env.Lookup("A"); s == nil || s.Value != "3" {
		t.Errorf("A is %+v", s)
	}
	env.Settings = env.Settings[1:]
	if s := env.Lookup("A"); s == nil || s.Value != "1" {
		t.Errorf("A is %+v once the last is gone", s)
	}
	if env.Lookup("C") != nil {
		t.Error("C is set")
	}
}
