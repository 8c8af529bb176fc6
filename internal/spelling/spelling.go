// Package spelling measures how far a word is from one that is known, so that
// an error can name what was probably meant.
package spelling

// Distance counts the bytes to insert, remove or replace between a and b
// (Levenshtein). It takes len(a)*len(b) steps: callers bound what comes from
// outside.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
