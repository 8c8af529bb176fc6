package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
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
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		token := strings.TrimSpace(string(b))
		if _, err := d.registry.Authenticate(token); err == nil {
			return token, nil
		}
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("reading the development token: %w", err)
	}
	return d.newDevClient(ctx, path)
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
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keeping the development token: %w", err)
	}
	return token, nil
}
