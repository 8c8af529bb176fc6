package route

import (
	"slices"
	"strings"
)

// caVariables name files or folders of CA certificates.
var caVariables = []string{
	"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE", "VAULT_CACERT", "VAULT_CAPATH",
	"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "PGSSLROOTCERT",
}

// variables say where requests go and how. None holds a credential of the
// service; a proxy's own is for the proxy.
var variables = []string{
	"VAULT_ADDR", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "GOOGLE_CLOUD_UNIVERSE_DOMAIN", "AZURE_AUTHORITY_HOST",
	"PGHOST", "PGHOSTADDR", "PGPORT", "PGSSLMODE", "REQUEST_METHOD", "LANG", "LC_ALL", "TZ",
}

// Variable reports whether a variable says where requests go or whom they
// believe. What the process says so stays where a driver is confined.
func Variable(name string) bool {
	return slices.Contains(variables, name) || slices.Contains(caVariables, name) || IsProxy(name) ||
		strings.HasPrefix(name, "AWS_ENDPOINT_URL")
}

// builds begin the names of variables that build systems set. Some of them hold
// what the author of a change has written: its title, its branch, its repository.
var builds = []string{
	"CI_", "GITHUB_", "GITLAB_", "GITEA_", "GIT_", "CHANGE_", "BRANCH_", "BUILD_", "BUILDKITE_", "BITBUCKET_", "CIRCLE_", "TRAVIS_",
	"DRONE_", "SEMAPHORE_", "APPVEYOR_", "CODEBUILD_", "SYSTEM_", "GHPRB", "CM_", "WERCKER_", "BITRISE_", "HEROKU_", "VERCEL_", "CF_", "RENDER_",
}

// SaysAddress reports whether a variable of the user's is meant to be the
// address of a server, by its name: VAULT_URL, STORE_ADDR. A text that only
// names such a variable leaves the address to the user.
func SaysAddress(name string) bool {
	name = strings.ToUpper(name)
	if slices.ContainsFunc(builds, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return false
	}
	return slices.ContainsFunc([]string{"ADDR", "URL", "URI", "HOST", "ENDPOINT"}, func(word string) bool { return strings.Contains(name, word) })
}

// IsProxy reports whether a variable names proxies, or hosts that go without.
// Both spellings of such a name are one setting.
func IsProxy(name string) bool {
	switch strings.ToLower(name) {
	case "http_proxy", "https_proxy", "all_proxy", "no_proxy", "grpc_proxy", "no_grpc_proxy":
		return true
	}
	return false
}
