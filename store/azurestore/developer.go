package azurestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/store"
)

// developer is a log-in by a command line that the user has logged in with
// (AzureCliCredential and its kin): a token of whoever is logged in there. It
// keeps none, the program does.
type developer struct {
	name  string
	words program.Words
	args  func(scope, tenant string) []string
	read  func(out []byte) (azcore.AccessToken, error)
}

// developerTimeout is how long a program may take where nobody waits less.
const developerTimeout = 10 * time.Second

// developer is the credential of a class. Its program is looked for in the PATH
// of the process, never in the current folder.
func (l *login) developer(class string) azcore.TokenCredential {
	d := developer{words: l.env.Words}
	switch class {
	case "AzureCliCredential":
		d.name, d.args, d.read = "az", azArgs, azToken
	case "AzureDeveloperCliCredential":
		d.name, d.args, d.read = "azd", azdArgs, azdToken
	case "AzurePowerShellCredential":
		d.name, d.args, d.read = "pwsh", pwshArgs, pwshToken
	default:
		return missing{"it needs Microsoft's broker, which airlock does not speak to"}
	}
	if l.env.Confined != nil {
		return missing{d.name + " is logged in as you, and the folder names the address"}
	}
	if _, err := program.Find(d.name, d.words.Environ); err != nil {
		return missing{d.name + " is not on the PATH"}
	}
	return d
}

// GetToken implements azcore.TokenCredential. Scope and tenant may be the
// vault's, which asks for them: they are arguments, and nothing but letters.
func (d developer) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	switch {
	case len(o.Scopes) != 1 || !plain(o.Scopes[0], "-._/:"):
		return azcore.AccessToken{}, errors.New("the scope is not one that " + d.name + " can be asked for")
	case o.TenantID != "" && !plain(o.TenantID, "-."):
		return azcore.AccessToken{}, errors.New("the tenant is not one that " + d.name + " can be asked for")
	case o.Claims != "":
		return azcore.AccessToken{}, errors.New("the vault asks for more proof than " + d.name + " has: log in with it again")
	}
	c := d.words.Command(program.Fixed, d.name, append([]string{d.name}, d.args(o.Scopes[0], o.TenantID)...))
	c.Dir = "/" // az is Python, and would look for modules in the folder
	if _, ok := ctx.Deadline(); !ok {
		c.Timeout = developerTimeout
	}
	out, err := c.Output(ctx)
	var exit *program.ExitError
	if errors.As(err, &exit) {
		return azcore.AccessToken{}, errors.New(firstLine(string(exit.Err), exit.Error()))
	}
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("running %s: %w", d.name, err)
	}
	token, err := d.read(out)
	if err != nil || token.Token == "" {
		return azcore.AccessToken{}, fmt.Errorf("the answer of %s is not a token", d.name)
	}
	return token, nil
}

// plain tells text of letters, digits and some other characters, that cannot
// be taken for an option.
func plain(text, others string) bool {
	return !strings.HasPrefix(text, "-") && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(others, r)
	})
}

func firstLine(text, otherwise string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return otherwise
	}
	return store.Clip(line)
}

// resource is what the older protocol calls a scope.
func resource(scope string) string { return strings.TrimSuffix(scope, "/.default") }

// azArgs asks for a resource: older versions know no scopes.
func azArgs(scope, tenant string) []string {
	args := []string{"account", "get-access-token", "-o", "json", "--resource", resource(scope)}
	if tenant != "" {
		args = append(args, "--tenant", tenant)
	}
	return args
}

// azToken reads expires_on, or expiresOn, a local time, of older versions.
func azToken(out []byte) (azcore.AccessToken, error) {
	var said struct {
		Token string `json:"accessToken"`
		Unix  int64  `json:"expires_on"`
		Local string `json:"expiresOn"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return azcore.AccessToken{}, err
	}
	expires, err := time.Unix(said.Unix, 0), error(nil)
	if said.Unix == 0 {
		expires, err = time.ParseInLocation("2006-01-02 15:04:05.999999", said.Local, time.Local)
	}
	return azcore.AccessToken{Token: said.Token, ExpiresOn: expires.UTC()}, err
}

func azdArgs(scope, tenant string) []string {
	args := []string{"auth", "token", "-o", "json", "--no-prompt", "--scope", scope}
	if tenant != "" {
		args = append(args, "--tenant-id", tenant)
	}
	return args
}

func azdToken(out []byte) (azcore.AccessToken, error) {
	var said struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expiresOn"`
	}
	err := json.Unmarshal(out, &said)
	return azcore.AccessToken{Token: said.Token, ExpiresOn: said.Expires.UTC()}, err
}

// pwshScript prints a token. Whether it comes as a SecureString depends on the
// version of Az.Accounts.
const pwshScript = `$ErrorActionPreference = 'Stop'
Import-Module Az.Accounts -MinimumVersion 2.2.0
$p = @{ ResourceUrl = '%s'; WarningAction = 'Ignore' }
if ('%[2]s') { $p['TenantId'] = '%[2]s' }
if ((Get-Command Get-AzAccessToken).Parameters.ContainsKey('AsSecureString')) { $p['AsSecureString'] = $true }
$t = Get-AzAccessToken @p
$v = $t.Token
if ($v -is [System.Security.SecureString]) { $v = [System.Net.NetworkCredential]::new('', $v).Password }
@{ token = $v; expires = $t.ExpiresOn.ToUnixTimeSeconds() } | ConvertTo-Json -Compress`

func pwshArgs(scope, tenant string) []string {
	return []string{"-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-Command", fmt.Sprintf(pwshScript, resource(scope), tenant)}
}

func pwshToken(out []byte) (azcore.AccessToken, error) {
	var said struct {
		Token   string `json:"token"`
		Expires int64  `json:"expires"`
	}
	err := json.Unmarshal(out, &said)
	return azcore.AccessToken{Token: said.Token, ExpiresOn: time.Unix(said.Expires, 0).UTC()}, err
}
