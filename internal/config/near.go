package config

import "slices"

// nearest returns the known key that the writer of key may have meant: one
// that differs by few letters; "" where none is near.
func nearest(key string, known []string) string {
	best, found := len(key)/3+2, ""
	for _, k := range known {
		if d := distance(key, k); d < best && d < len(k) {
			best, found = d, k
		}
	}
	return found
}

// distance counts the single-byte edits between a and b (Levenshtein), up to
// some length beyond which a is no typing error.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, change)
		}
	}
	return row[len(b)]
}
