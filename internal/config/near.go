package config

import "github.com/airlock-secrets/airlock/internal/spelling"

// nearest returns the known key that the writer of key may have meant: one
// that differs by few letters; "" where none is near.
func nearest(key string, known []string) string {
	const longest = 40 // a longer key is no typing error
	if len(key) > longest {
		return ""
	}
	best, found := len(key)/3+2, ""
	for _, k := range known {
		if d := spelling.Distance(key, k); d < best && d < len(k) {
			best, found = d, k
		}
	}
	return found
}
