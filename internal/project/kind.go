package project

import (
	"path"
	"slices"
	"strings"
)

// Kinds that the content decides on.
const (
	unknown  Kind = "unknown" // a file that was named and could be anything
	yamlText Kind = "YAML"
	jsonText Kind = "JSON"
)

const dagFolder = "dags"

// passedOver tells folders that hold nothing of a project: those of tools,
// and what is installed.
func passedOver(name string) bool {
	return strings.HasPrefix(name, ".") ||
		slices.Contains([]string{"node_modules", "venv", "env", "site-packages", "__pycache__", "vendor", "logs"}, name)
}

// kindOf tells by its name what a file may be, "" for nothing; certain is set
// where the name alone says so. Prefix stands in front of the path.
func kindOf(name, prefix string) (kind Kind, certain bool) {
	base := strings.ToLower(path.Base(name))
	switch base {
	case ".env":
		return DotEnv, true
	case "dockerfile":
		return Dockerfile, true
	case "airflow.cfg":
		return AirflowConfig, true
	case "airlock.yaml":
		return AirlockConfig, true
	case "airflow_settings.yaml", "airflow_settings.yml":
		return AstroSettings, true
	case ".gitignore":
		return Ignore, true
	}
	if path.Ext(base) == ".py" && inDAGs(prefix+name) {
		return DAG, true // also where it is called example.py: Airflow runs it
	}
	if example(base) {
		return "", false
	}
	switch ext := path.Ext(base); {
	case strings.HasPrefix(base, "dockerfile.") && !aboutDockerfiles(ext), ext == ".dockerfile":
		return Dockerfile, true
	case strings.HasPrefix(base, ".env."), ext == ".env":
		return Export, true
	case ext == ".txt" && (strings.HasPrefix(base, "requirements") || path.Base(path.Dir(name)) == "requirements"):
		return RequirementList, true
	case ext == ".sh", ext == ".bash":
		return Script, true
	case ext == ".md", ext == ".mdx", ext == ".markdown":
		return Document, true
	case ext == ".hcl":
		return VaultPolicy, false
	case ext == ".yaml", ext == ".yml":
		return yamlText, false
	case ext == ".json":
		return jsonText, false
	}
	return "", false
}

// aboutDockerfiles tells files such as dockerfile.go, which are none.
func aboutDockerfiles(ext string) bool {
	return slices.Contains([]string{".go", ".py", ".js", ".ts", ".rs", ".rb", ".java", ".md", ".txt", ".json", ".yaml", ".yml", ".golden", ".lock", ".dockerignore"}, ext)
}

func inDAGs(name string) bool {
	return slices.Contains(strings.Split(path.Dir(name), "/"), dagFolder)
}

// example tells files that are there to be copied and filled in: what is
// missing in them is not wrong.
func example(base string) bool {
	for _, word := range []string{"example", "sample", "template", "dist"} {
		if strings.HasSuffix(base, "."+word) || strings.HasPrefix(base, ".env."+word) || base == word+".env" {
			return true
		}
	}
	return false
}
