package azurefake

import (
	"crypto/rand"
	"encoding/hex"
	"sort"
	"strings"
	"sync"
	"time"
)

// MaxValue is how many bytes a value may have.
const MaxValue = 25 * 1024

// version is one version of a secret.
type version struct {
	id          string
	value       *string
	contentType *string
	tags        map[string]string
	enabled     bool
	at          time.Time
}

// Vault is one key vault with the login service beside it. Make one with
// [NewVault].
type Vault struct {
	// Tenant is the one that the challenge names. Empty: the challenge's
	// authorization has no path.
	Tenant string
	// Authority is where the challenge sends clients to log in: the
	// address of the login service without a tenant.
	Authority string
	// Resource is the challenge's.
	Resource string
	// ClientID, ClientSecret, Assertion and IdentityHeader are what log-ins
	// must show.
	ClientID, ClientSecret, Assertion, IdentityHeader string
	// PageSize is how many names a page of a list has; 0 means 25.
	PageSize int

	mu      sync.Mutex
	secrets map[string][]version // :: name -> versions, the latest last
	deleted map[string][]version // :: name -> what may be recovered
	denied  map[string]bool      // :: name -> reading is forbidden
	tokens  map[string]bool      // :: token -> it is good
}

// NewVault returns an empty vault whose clients log in as "client" of tenant
// "tenant" with the secret "hunter2".
func NewVault() *Vault {
	return &Vault{
		Tenant: "tenant", Resource: "https://vault.azure.net", ClientID: "client", ClientSecret: "hunter2",
		Assertion: "assertion-of-the-pod", IdentityHeader: "identity-header",
		secrets: map[string][]version{}, deleted: map[string][]version{}, denied: map[string]bool{}, tokens: map[string]bool{},
	}
}

// Set makes value the latest version of name. Names are as case-blind as Key
// Vault's.
func (v *Vault) Set(name, value string) { v.set(name, version{value: &value, enabled: true}) }

// SetNull makes a version without a value the latest of name.
func (v *Vault) SetNull(name string) { v.set(name, version{enabled: true}) }

// Disable makes the latest version of name unreadable.
func (v *Vault) Disable(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if all := v.secrets[strings.ToLower(name)]; len(all) > 0 {
		all[len(all)-1].enabled = false
	}
}

// Deny forbids reading name.
func (v *Vault) Deny(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.denied[strings.ToLower(name)] = true
}

// RevokeTokens makes every token given out so far worthless.
func (v *Vault) RevokeTokens() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.tokens)
}

// Tags returns the tags and the content type of the latest version of name.
func (v *Vault) Tags(name string) (tags map[string]string, contentType string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.secrets[strings.ToLower(name)]
	if len(all) == 0 {
		return nil, ""
	}
	if c := all[len(all)-1].contentType; c != nil {
		contentType = *c
	}
	return all[len(all)-1].tags, contentType
}

// SetTags gives the latest version of name tags and a content type.
func (v *Vault) SetTags(name string, tags map[string]string, contentType string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if all := v.secrets[strings.ToLower(name)]; len(all) > 0 {
		all[len(all)-1].tags, all[len(all)-1].contentType = tags, &contentType
	}
}

func (v *Vault) set(name string, s version) version {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.setLocked(name, s)
}

func (v *Vault) setLocked(name string, s version) version {
	key := strings.ToLower(name)
	s.id, s.at = name+"/"+random(), time.Now()
	v.secrets[key] = append(v.secrets[key], s)
	return s
}

// namesLocked are the names of the secrets that begin after a mark, sorted.
func namesLocked(of map[string][]version, after string) []string {
	var names []string
	for name := range of {
		if name > after {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// random is 32 hexadecimal digits, as Key Vault's versions are.
func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
