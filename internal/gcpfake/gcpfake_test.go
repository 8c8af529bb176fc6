package gcpfake_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"golang.org/x/oauth2"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
)

// official is Google's own Go client of a fake.
func official(t *testing.T, at *gcpfake.Endpoint, token string) *secretmanager.Client {
	t.Helper()
	pem, err := os.ReadFile(at.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := secretmanager.NewClient(t.Context(), option.WithEndpoint(at.Addr),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "localhost"))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// wantCode checks the status of an error.
func wantCode(t *testing.T, what string, err error, code codes.Code) {
	t.Helper()
	if status.Code(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestOfficialClient: a secret's life through Google's own client.
func TestOfficialClient(t *testing.T) {
	f := gcpfake.New()
	f.Trust = &gcpfake.Trust{Tokens: []string{"t"}}
	at := gcpfake.Start(t, f)
	c := official(t, at, "t")
	ctx := t.Context()
	access := func(version string) (string, error) {
		res, err := c.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: "projects/p/secrets/s/versions/" + version})
		return string(res.GetPayload().GetData()), err
	}
	automatic := &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}}
	create := &secretmanagerpb.CreateSecretRequest{Parent: "projects/p", SecretId: "s", Secret: &secretmanagerpb.Secret{Replication: automatic}}
	_, err := access("latest")
	wantCode(t, "access before there is a secret", err, codes.NotFound)
	_, err = c.CreateSecret(ctx, create)
	wantCode(t, "create", err, codes.OK)
	_, err = c.CreateSecret(ctx, create)
	wantCode(t, "create again", err, codes.AlreadyExists)
	_, err = access("latest")
	wantCode(t, "access before there is a version", err, codes.NotFound)
	for _, text := range []string{"one", "two"} {
		_, err := c.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: "projects/p/secrets/s",
			Payload: &secretmanagerpb.SecretPayload{Data: []byte(text)}})
		wantCode(t, "add", err, codes.OK)
	}
	for version, want := range map[string]string{"1": "one", "2": "two", "latest": "two"} {
		if got, err := access(version); err != nil || got != want {
			t.Errorf("access %s = %q, %v", version, got, err)
		}
	}
	_, err = c.DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: "projects/p/secrets/s/versions/2"})
	wantCode(t, "disable", err, codes.OK)
	_, err = access("latest")
	wantCode(t, "access to a disabled version", err, codes.FailedPrecondition)
	_, err = c.EnableSecretVersion(ctx, &secretmanagerpb.EnableSecretVersionRequest{Name: "projects/p/secrets/s/versions/2"})
	wantCode(t, "enable", err, codes.OK)
	_, err = c.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: "projects/p/secrets/s/versions/2"})
	wantCode(t, "destroy", err, codes.OK)
	_, err = access("2")
	wantCode(t, "access to a destroyed version", err, codes.FailedPrecondition)
	wantCode(t, "delete", c.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: "projects/p/secrets/s"}), codes.OK)
	_, err = access("1")
	wantCode(t, "access after delete", err, codes.NotFound)
}

// TestPages: a list comes in pages, of the project's secrets alone.
func TestPages(t *testing.T) {
	f := gcpfake.New()
	f.PageSize = 2
	want := []string{"projects/p/secrets/a", "projects/p/secrets/b", "projects/p/secrets/c", "projects/p/secrets/d", "projects/p/secrets/e"}
	for _, id := range []string{"c", "a", "e", "b", "d"} {
		f.Put("p", id, []byte("x"))
		f.Put("other", id, []byte("x"))
	}
	c := official(t, gcpfake.Start(t, f), "any")
	var got []string
	for it := c.ListSecrets(t.Context(), &secretmanagerpb.ListSecretsRequest{Parent: "projects/p"}); ; {
		s, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.GetName())
	}
	if calls := len(f.Calls()); !slices.Equal(got, want) || calls != 3 {
		t.Errorf("listed %q in %d calls", got, calls)
	}
}

// TestRefusals: names, permissions and tokens.
func TestRefusals(t *testing.T) {
	f := gcpfake.New()
	f.Trust = &gcpfake.Trust{Tokens: []string{"t"}}
	f.Put("p", "denied", []byte("x"))
	f.Deny("p", "denied")
	at := gcpfake.Start(t, f)
	for _, tt := range []struct {
		token, name string
		code        codes.Code
	}{
		{"t", "projects/p/secrets/denied/versions/latest", codes.PermissionDenied},
		{"t", "projects/p/secrets/a.b/versions/latest", codes.InvalidArgument},
		{"t", "projects/p/secrets/a/versions/first", codes.InvalidArgument},
		{"other", "projects/p/secrets/denied/versions/latest", codes.Unauthenticated},
		{"a.b.c", "projects/p/secrets/denied/versions/latest", codes.Unauthenticated},
	} {
		_, err := official(t, at, tt.token).AccessSecretVersion(t.Context(), &secretmanagerpb.AccessSecretVersionRequest{Name: tt.name})
		wantCode(t, tt.name+" with "+tt.token, err, tt.code)
	}
}

// TestKeyFile: a key of one's own makes a key file of its own.
func TestKeyFile(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	mine := gcpfake.KeyFile(t, key, "p", "https://token.example")
	shared, public := gcpfake.Account(t, "p", "")
	if mine["private_key"] == shared["private_key"] || key.PublicKey.Equal(public) || mine["token_uri"] != "https://token.example" {
		t.Error("the key files are alike")
	}
}
