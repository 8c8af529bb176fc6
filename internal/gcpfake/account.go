package gcpfake

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"sync"
	"testing"
)

// testKey makes one RSA key for the whole test process: they are slow to make.
var testKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Account returns the members of a service account's key file in a project,
// and its public key. tokenURI may be empty for Google's own.
func Account(t testing.TB, project, tokenURI string) (keyfile map[string]any, public *rsa.PublicKey) {
	t.Helper()
	key, err := testKey()
	if err != nil {
		t.Fatal(err)
	}
	return KeyFile(t, key, project, tokenURI), &key.PublicKey
}

// KeyFile is the members of a key file with a key of one's own.
func KeyFile(t testing.TB, key *rsa.PrivateKey, project, tokenURI string) map[string]any {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if tokenURI == "" {
		tokenURI = "https://oauth2.googleapis.com/token"
	}
	return map[string]any{
		"type": "service_account", "project_id": project, "private_key_id": "key-1", "client_id": "100",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "airflow@" + project + ".iam.gserviceaccount.com", "token_uri": tokenURI,
		"auth_uri": "https://accounts.google.com/o/oauth2/auth",
	}
}
