package requests

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"strings"
)

// TLS says whom to trust and what to show: requests' verify and cert. The zero
// value is requests' own.
type TLS struct {
	// Insecure switches verification off.
	Insecure bool
	// CA is a file or folder of PEM certificates to trust in place of the
	// system's. Empty: those that the environment names, else the system's.
	CA string
	// Cert and Key are PEM files of the client's certificate; Cert may hold
	// the key too. Empty: none.
	Cert, Key string
}

// SetVerify takes verify as JSON has it: true, false or the path of CA
// certificates; null leaves the choice to the environment. It is false for
// anything else.
func (t *TLS) SetVerify(v any) bool {
	switch v := v.(type) {
	case nil:
	case bool:
		t.Insecure = !v
	case string:
		t.CA, t.Insecure = v, v == ""
	default:
		return false
	}
	return true
}

// SetCert takes cert as JSON has it: null, the path of a file, or a list of
// certificate and key. It is false for anything else.
func (t *TLS) SetCert(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		t.Cert = v
		return true
	case []any:
		if len(v) != 2 {
			return false
		}
		cert, okCert := v[0].(string)
		key, okKey := v[1].(string)
		if okCert && okKey {
			t.Cert, t.Key = cert, key
		}
		return okCert && okKey
	}
	return false
}

// FileError is a file that TLS names and that cannot be used.
type FileError struct {
	what string
	// Hint says what the setting must name.
	Hint string
	err  error
}

func (e *FileError) Error() string { return "reading " + e.what + ": " + e.err.Error() }

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.err }

// Config reads the files: certificates of authorities by way of cas, the
// client's own by way of files. from is the setting that CA is of, certFrom the one
// that Cert is of; path makes what they name absolute. Errors are *FileError.
func (t TLS) Config(cas, files Files, from, certFrom string, path func(string) string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case t.Insecure:
		config.InsecureSkipVerify = true // the operator's explicit wish: verify is false
	case t.CA != "":
		pool, err := Authorities(cas, path(t.CA))
		if err != nil {
			return nil, &FileError{"the CA certificates of " + from, from + " must name a PEM file or a folder of them", err}
		}
		config.RootCAs = pool
	}
	if t.Cert == "" {
		return config, nil
	}
	if t.Key == "" {
		t.Key = t.Cert
	}
	pair, err := keyPair(files, path(t.Cert), path(t.Key))
	if err != nil {
		return nil, &FileError{"the client certificate", certFrom + " must be a PEM file with certificate and key, or a list of the two files", err}
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func keyPair(files Files, cert, key string) (tls.Certificate, error) {
	certPEM, err := files.ReadFile(cert, largestPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyPEM, err := files.ReadFile(key, largestPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	if LargeKey(keyPEM) {
		return tls.Certificate{}, errors.New("its key is longer than an RSA key of 16384 bits")
	}
	return tls.X509KeyPair(certPEM, keyPEM)
}

// LargestKey is how many bytes a private key may have: an RSA key of 16384
// bits, the most that OpenSSL takes, has 9300. Checking one of 100 KB takes
// minutes.
const LargestKey = 10 << 10

// LargeKey reports whether a PEM text has a private key of more than LargestKey
// bytes.
func LargeKey(text []byte) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") && len(block.Bytes) > LargestKey {
			return true
		}
	}
}
