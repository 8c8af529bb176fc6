package wait_test

import (
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/wait"
)

func TestLong(t *testing.T) {
	outer := wait.For("the command")
	inner := wait.For("the lock")
	now := time.Now()
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{{wait.Silence / 2, ""}, {2 * wait.Silence, "the lock"}, {3 * wait.Silence, ""}} {
		if got := wait.Long(now.Add(tt.after)); got != tt.want {
			t.Errorf("after %v: %q, want %q", tt.after, got, tt.want)
		}
	}
	ended := wait.For("what has ended")
	ended()
	if got := wait.Long(now.Add(time.Hour)); got != "" {
		t.Errorf("nothing waits, but %q", got)
	}
	inner()
	outer()
	wait.Stop()
	defer wait.For("what nobody hears of")()
	if got := wait.Long(now.Add(time.Hour)); got != "" {
		t.Errorf("stopped, but %q", got)
	}
}
