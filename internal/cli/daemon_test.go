package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

func TestAHeldFolderWithoutASocketIsNotOpened(t *testing.T) {
	dir := t.TempDir()
	if _, err := dialDaemon(t.Context(), dir); !errors.Is(err, control.ErrNoDaemon) {
		t.Fatalf("a free folder: %v, want ErrNoDaemon", err)
	}
	lock, err := sqlstore.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	_, err = dialDaemon(t.Context(), dir)
	if store.CodeOf(err) != store.Unavailable || errors.Is(err, control.ErrNoDaemon) || !strings.Contains(store.Hint(err), "restart") {
		t.Errorf("a held folder: %v, want unavailable with a hint", err)
	}
	for _, want := range []string{dir, fmt.Sprintf("airlock serve (process %d)", os.Getpid())} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("a held folder: %v, want %q in it", err, want)
		}
	}
	lock.Close()
	if _, err := dialDaemon(t.Context(), dir); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("a folder that was given back: %v, want ErrNoDaemon", err)
	}
}

func TestADaemonThatStartsIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	lock, err := sqlstore.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	found := make(chan error, 1)
	go func() {
		c, err := dialDaemon(t.Context(), dir)
		if err == nil {
			err = c.Close()
		}
		found <- err
	}()
	server, err := control.Listen(dir, nil, control.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve() }()
	defer server.Close()
	if err := <-found; err != nil {
		t.Errorf("dialDaemon: %v", err)
	}
}
