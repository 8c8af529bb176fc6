package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/store"
)

const (
	// devName is the development client, and devFile keeps its token beside
	// the store, so that a second start prints the same lines.
	devName = "dev"
	devFile = "dev-token"
)

// devClient returns the token of the development client, which may do
// everything in its deployment, and makes the client where there is none.
func (d *daemon) devClient(ctx context.Context) (string, error) {
	path := filepath.Join(d.c.DataDir, devFile)
	token, err := readDevToken(path)
	if err != nil {
		return "", err
	}
	if _, err := d.registry.Authenticate(token); token != "" && err == nil {
		return token, nil
	}
	return d.newDevClient(ctx, path)
}

// readDevToken is empty where there is no token, or one that others may have
// read or put there and which is not to be used again.
func readDevToken(path string) (string, error) {
	f, err := diskfile.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, diskfile.ErrNotRegular) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the development token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("reading the development token: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return "", fmt.Errorf("reading the development token: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// writeDevToken replaces the file and does not write into it: it may have
// another mode, or be a link.
func writeDevToken(path, token string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".dev-token-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = io.WriteString(f, token+"\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (d *daemon) newDevClient(ctx context.Context, path string) (string, error) {
	if err := d.registry.Revoke(ctx, devName); err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	token := "airlock-dev-" + rand.Text()
	_, err := d.registry.Create(ctx, client.Spec{Name: devName, Deployment: Deployment, Token: token,
		Rules: []acl.Rule{{Actions: acl.Actions()}}})
	if err != nil {
		return "", err
	}
	if err := writeDevToken(path, token); err != nil {
		return "", fmt.Errorf("keeping the development token: %w", err)
	}
	return token, nil
}
