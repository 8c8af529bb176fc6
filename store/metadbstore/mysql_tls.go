package metadbstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// mysqlTLS reads the ssl options. The Python drivers differ: with a CA all of
// them check the chain, PyMySQL and its like the name too. With none of these
// options TLS is used where the server has it, unchecked, as the C library
// does by default.
func mysqlTLS(config *mysql.Config, u location, host string, f files) error {
	mode := strings.ToUpper(u.option("ssl_mode"))
	if isOn(u.option("ssl_disabled")) || mode == "DISABLED" {
		config.TLSConfig = "false"
		return nil
	}
	roots, err := f.authorities(u.option("ssl_ca"), u.option("ssl_capath"))
	if err != nil {
		return err
	}
	settings := &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
	if certificate, key := u.option("ssl_cert"), u.option("ssl_key"); certificate != "" {
		pair, err := f.pair(certificate, first(key, certificate))
		if err != nil {
			return f.unreadable("ssl_cert and ssl_key", "check the paths and that airlock may read the files", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	chain, name, err := mysqlChecks(u, mode, roots != nil)
	if err != nil {
		return err
	}
	demanded := chain || name || mode == "REQUIRED" || len(settings.Certificates) > 0 || isOn(u.option("ssl"))
	settings.InsecureSkipVerify = !name
	if chain && !name {
		settings.VerifyConnection = func(s tls.ConnectionState) error { return checkChain(s, roots) }
	}
	config.TLS, config.AllowFallbackToPlaintext = settings, !demanded
	return nil
}

// mysqlChecks says what of the server's certificate is checked: its chain,
// and its name too.
func mysqlChecks(u location, mode string, hasCA bool) (chain, name bool, err error) {
	switch mode {
	case "", "PREFERRED":
	case "REQUIRED":
		return hasCA, false, nil
	case "VERIFY_CA":
		return true, false, nil
	case "VERIFY_IDENTITY":
		return true, true, nil
	default:
		return false, false, wrong(store.Invalid, "write DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY",
			"ssl_mode in sql_alchemy_conn is %q", excerpt.Name(mode))
	}
	if isOn(u.option("ssl_verify_identity")) {
		return true, true, nil
	}
	chain = hasCA || isOn(u.option("ssl_verify_cert"))
	switch check := u.option("ssl_check_hostname"); {
	case check != "":
		name = chain && isOn(check)
	case u.driver == "pymysql" || u.driver == "aiomysql" || u.driver == "asyncmy" || u.driver == "cymysql":
		name = chain
	}
	return chain, name, nil
}

// pair reads a certificate and its key.
func (f files) pair(certificate, key string) (tls.Certificate, error) {
	public, err := f.read(certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	private, err := f.read(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(public, private)
}

// authorities reads a file and a folder of certificates; nil stands for the
// system's.
func (f files) authorities(file, folder string) (*x509.CertPool, error) {
	f.confined = f.confined.Certificates()
	var paths []string
	if file != "" {
		paths = append(paths, file)
	}
	if folder != "" {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, wrong(store.Invalid, "check the path", "ssl_capath in sql_alchemy_conn: %w", fileError(err))
		}
		for _, entry := range entries {
			paths = append(paths, filepath.Join(folder, entry.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	found := false
	for _, name := range paths {
		content, err := f.read(name)
		if err != nil && name == file {
			return nil, f.unreadable("ssl_ca", "check the path and that airlock may read the file", err)
		}
		found = pool.AppendCertsFromPEM(content) || found
	}
	if !found {
		return nil, wrong(store.Invalid, "give certificates in PEM form", "ssl_ca or ssl_capath in sql_alchemy_conn holds no certificate")
	}
	return pool, nil
}

// fileError is what went wrong with a file and which it was.
func fileError(err error) error {
	var failed *os.PathError
	if errors.As(err, &failed) {
		return fmt.Errorf("%q: %w", excerpt.Name(failed.Path), failed.Err)
	}
	return err
}

// checkChain checks a certificate's chain without its name.
func checkChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server has no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
