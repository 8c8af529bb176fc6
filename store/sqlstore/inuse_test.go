package sqlstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	for _, free := range []string{dir, filepath.Join(dir, "missing"), filepath.Join(dir, "missing", "deeper")} {
		if err := InUse(free); err != nil {
			t.Errorf("InUse(%s) = %v, want nil", free, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("InUse made %v, %v", entries, err)
	}
	lock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = InUse(dir)
	var held *InUseError
	if !errors.As(err, &held) || held.PID != os.Getpid() || held.Dir != dir || store.Hint(err) == "" {
		t.Errorf("InUse = %v, want this process and a hint", err)
	}
	wantCode(t, "InUse", err, store.Unavailable)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := InUse(dir); err != nil {
		t.Errorf("InUse after Close = %v, want nil", err)
	}
}

// TestLookingDoesNotKeepADaemonFromStarting takes the lock while others ask
// for its holder all the time.
func TestLookingDoesNotKeepADaemonFromStarting(t *testing.T) {
	dir := t.TempDir()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = InUse(dir)
			}
		}
	}()
	for range 20 {
		lock, err := Lock(dir)
		if err != nil {
			t.Errorf("Lock: %v", err)
			break
		}
		lock.Close()
	}
	close(stop)
	<-stopped
}
