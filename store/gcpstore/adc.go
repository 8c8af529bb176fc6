package gcpstore

import (
	"os"
	"path/filepath"
	"strings"
)

// findDefault is google.auth.default: the file that
// GOOGLE_APPLICATION_CREDENTIALS names, else gcloud's, else the machine's own
// account, which is only looked for when it is needed. An error is a
// DefaultCredentialsError of Google's, or what reading the file raises.
func findDefault(env Env, scopes []string) (*Credentials, error) {
	c, err := fromEnvironment(env)
	if err != nil {
		return nil, err
	}
	if c == nil {
		c, err = fromMetadata(env)
		if err != nil {
			return nil, err
		}
	}
	c.found = true
	if scopes != nil {
		c.scopes = scopes
	}
	project, ok := env.lookup("GOOGLE_CLOUD_PROJECT")
	if !ok {
		project = env.get("GCLOUD_PROJECT")
	}
	if project != "" {
		c.project = project
	}
	return c, nil
}

// fromEnvironment looks at the two files; nil without an error means that
// there is neither.
func fromEnvironment(env Env) (*Credentials, error) {
	sdk := filepath.Join(gcloudFolder(env), "application_default_credentials.json")
	if file := env.get("GOOGLE_APPLICATION_CREDENTIALS"); file != "" && file != sdk {
		return fromConfigFile(env, file, env.Words.Named("GOOGLE_APPLICATION_CREDENTIALS"), nil)
	}
	if info, err := env.Confined.Stat(env.path(sdk)); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	c, err := fromConfigFile(env, sdk, env.Words.Named("CLOUDSDK_CONFIG").And(env.Words.Named("HOME")), nil)
	if err != nil {
		return nil, err
	}
	if c.project == "" {
		c.project = gcloudProject(env)
	}
	return c, nil
}

// gcloudFolder is where gcloud keeps its settings (google.auth._cloud_sdk).
func gcloudFolder(env Env) string {
	if v, ok := env.lookup("CLOUDSDK_CONFIG"); ok {
		return v
	}
	return filepath.Join(env.home(), ".config", "gcloud")
}

// gcloudProject is what `gcloud config get project` says, which Google's
// library runs; here its settings are read, where there is a gcloud at all.
func gcloudProject(env Env) string {
	if !onPath(env, "gcloud") {
		return ""
	}
	if v := env.get("CLOUDSDK_CORE_PROJECT"); v != "" {
		return v
	}
	folder := gcloudFolder(env)
	active := env.get("CLOUDSDK_ACTIVE_CONFIG_NAME")
	if active == "" {
		active = "default"
		if text, err := readFile(env, filepath.Join(folder, "active_config")); err == nil && strings.TrimSpace(text) != "" {
			active = strings.TrimSpace(text)
		}
	}
	if strings.ContainsAny(active, `/\`) {
		return ""
	}
	text, err := readFile(env, filepath.Join(folder, "configurations", "config_"+active))
	if err != nil {
		return ""
	}
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && section == "core" && strings.TrimSpace(name) == "project" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func onPath(env Env, program string) bool {
	for _, folder := range filepath.SplitList(env.get("PATH")) {
		if info, err := os.Stat(filepath.Join(folder, program)); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// fromMetadata is the machine's own account, unless NO_GCE_CHECK says that
// there is none.
func fromMetadata(env Env) (*Credentials, error) {
	if env.get("NO_GCE_CHECK") == "true" {
		if env.Confined != nil {
			return nil, env.Confined.Withhold("your Google login")
		}
		return nil, errNoDefault
	}
	return &Credentials{account: &metadataServer{env: env}, universe: DefaultUniverse, quotaProject: env.get("GOOGLE_CLOUD_QUOTA_PROJECT")}, nil
}
