package excerpt_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

func TestName(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"my_db", "my_db"}, {"my db", "my db"}, {"team/db-1.x", "team/db-1.x"}, {"", ""}, {"größe", "größe"}, {"[core] fernet_key", "[core] fernet_key"},
		{"arn:aws:iam::1:role/x", "arn:aws:iam::1:role/x"},
		{"postgres://u:pw@h", "***"}, {"x:/h", "***"}, {"pw@h", "***"}, {`{"a": 1}`, "***"}, {"a=b", "***"}, {"a%40b", "***"}, {"a\nb", "***"}, {"\xff", "***"}, {"\u202e", "***"},
		{strings.Repeat("a", 130), strings.Repeat("a", 120) + "... (130 bytes)"},
	} {
		if got := excerpt.Name(tt.text); got != tt.want {
			t.Errorf("Name(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestNear(t *testing.T) {
	known := []string{"token", "url", "mount_point", "secret_id"}
	for _, tt := range []struct {
		word  string
		shown bool
	}{
		{"token", true}, {"tokne", true}, {"TOKEN", true}, {"mount_pint", true}, {"secret_idd", true}, {"urk", true},
		{"", false}, {"x", false}, {"hunter2", false}, {"token7f3a9c", false}, {"secS3CRET", false}, {strings.Repeat("token", 1000), false},
	} {
		if got := excerpt.IsNear(tt.word, known); got != tt.shown {
			t.Errorf("IsNear(%q) = %v", tt.word, got)
		}
	}
	if got := excerpt.Words([]string{"token", "hunter2", "url", "x"}, known); got != "token, url and 2 others" {
		t.Errorf("Words = %q", got)
	}
}

func TestAddress(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"https://vault.example.com:8200", "https://vault.example.com:8200"}, {"http://127.0.0.1:8200/", "http://127.0.0.1:8200"},
		{"https://u:pw@vault:8200/ui?token=x#y", "https://vault:8200"}, {"http://[::1]:8200", "http://[::1]:8200"}, {"HTTP://Vault", "http://Vault"},
		{"https://u:pwvault:8200", "***"}, {"https://u:pw/@vault", "***"}, {"vault:8200", "***"}, {"", "***"}, {"https://", "***"}, {"://u:pw@h", "***"},
		{"https:/u:pw@h", "***"}, {"https://h;u", "***"}, {"https://h:99999", "***"}, {"https://[u]", "***"}, {"https://h,pw", "***"},
	} {
		if got := excerpt.Address(tt.text); got != tt.want {
			t.Errorf("Address(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestClass(t *testing.T) {
	known := []string{"airflow.providers.hashicorp.secrets.vault.VaultBackend"}
	for _, tt := range []struct {
		class string
		shown bool
	}{
		{known[0], true}, {"airflow.providers.hashicorp.secrets.vault.VaultBackendd", true}, {"my_company.secrets.OwnBackend", true},
		{"my_company.secrets2.HTTPBackend", true}, {"a.b.VaultBackend", true},
		{`a.b.VaultBackend AIRFLOW__SECRETS__BACKEND_KWARGS={"token":"S3CRET"}`, false}, {"a.b.VaultBackendS3CRET", false}, {"hvs.CAESIJ", false},
		{"S3CRETxx", false}, {"a.S3CRET.Backend", false}, {"", false}, {"VaultBackend", false}, {"a.b.qWeRtZuBackend", false}, {"a..Backend", false},
	} {
		if got := excerpt.Class(tt.class, known) == tt.class && tt.class != ""; got != tt.shown {
			t.Errorf("Class(%q) shows it: %v", tt.class, got)
		}
	}
}

// FuzzExcerpt: what is shown is hidden, or a text of which every byte was
// allowed.
func FuzzExcerpt(f *testing.F) {
	for _, seed := range []string{"my_db", "https://u:pw@vault:8200", "a.b.VaultBackend", "tokne", "\xff\x00", "[::1]:80", "x:/y", "Tok\x7f"} {
		f.Add(seed)
	}
	known := []string{"token", "airflow.secrets.local_filesystem.LocalFilesystemBackend"}
	f.Fuzz(func(t *testing.T, text string) {
		if got := excerpt.Name(text); got != excerpt.Hidden && (strings.ContainsAny(got, "@=\"'{}?&%;|") || strings.Contains(got, ":/")) {
			t.Errorf("Name(%q) = %q", text, got)
		}
		for _, got := range []string{excerpt.Name(text), excerpt.Near(text, known), excerpt.Address(text), excerpt.Host(text), excerpt.Class(text, known)} {
			if strings.ContainsFunc(got, unicode.IsControl) || len(got) > 400 {
				t.Errorf("%q is shown of %q", got, text)
			}
		}
		if got := excerpt.Address(text); got != excerpt.Hidden {
			if _, rest, _ := strings.Cut(got, "://"); strings.ContainsAny(rest, "@/?#") {
				t.Errorf("Address(%q) = %q", text, got)
			}
		}
		if got := excerpt.Class(text, nil); got != excerpt.Hidden && strings.ContainsAny(got, " ={\"@:/-") {
			t.Errorf("Class(%q) = %q", text, got)
		}
	})
}
