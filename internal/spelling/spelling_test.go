package spelling_test

import (
	"testing"

	"github.com/airlock-secrets/airlock/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"mount_pont", "mount_point", 1}, {"tokn", "token", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2},
		{"a", "", 1}, {"", "ab", 2}, {"verify", "verifiy", 1},
	} {
		if got := spelling.Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
