package project

import (
	"path"
	"strings"
)

// other reads the kinds of files that their content tells.
func (r *reader) other(f *File, l listed) {
	whole := func(from, end int) Span { return Span{f, from, end} }
	switch f.Kind {
	case Export:
		r.keep(f)
		r.environment(f.Path, Export, r.statements(f), false)
	case Script:
		r.keep(f)
		list := shellCommands(f.Text, whole)
		r.commands(list)
		r.exports(f, list)
	case Document:
		r.keep(f)
		r.document(f)
	case VaultPolicy:
		if r.vaultPolicy(f.Text, whole) || l.certain {
			r.keep(f)
		}
	case AstroSettings, yamlText:
		r.yaml(f, l)
	case jsonText:
		r.json(f, l)
	case unknown:
		r.guess(f)
	}
}

// marked tells that a text holds one of the words of which a YAML file holds one if it is anything of a
// project: others are not worth parsing.
func marked(text string) bool {
	for _, mark := range []string{"irflow", "AIRFLOW", "apiVersion", "secretBackend", "commonEnv", "environment_variables", "extraEnv", "://", "conn_type"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// yaml reads a YAML file as what its first document is.
func (r *reader) yaml(f *File, l listed) {
	certain := l.certain || isComposeName(f.Path)
	if !certain && !marked(f.Text) && exportKind(f.Path) == "" {
		return
	}
	all, err := yamlDocuments(f.Text, func(from, end int) Span { return Span{f, from, end} })
	kind := f.Kind
	if f.Kind == yamlText {
		kind = yamlKind(f, all)
	}
	if kind == "" && err != nil {
		kind = brokenKind(f, l.certain)
	}
	if kind == "" {
		if l.certain {
			f.Kind = HelmValues
			r.keep(f)
		}
		return
	}
	f.Kind = kind
	r.keep(f)
	if err != nil {
		r.brokenYAML(f, err)
	}
	for _, d := range all {
		r.yamlPart(f, d)
	}
}

// yamlPart reads one document of a file whose kind is known.
func (r *reader) yamlPart(f *File, d yamlDocument) {
	switch f.Kind {
	case AstroSettings:
		r.astroSettings(d)
	case AstroDeployment:
		r.deployment(f, d)
	case Manifest:
		r.manifest(f, d)
	case HelmValues:
		r.helm(f, d)
	case Compose:
		r.compose(f, d)
	case Export:
		r.export(f, d, exportKind(f.Path))
	}
}

func yamlKind(f *File, all []yamlDocument) Kind {
	for _, d := range all {
		switch {
		case isManifest(d):
			return Manifest
		case isComposeName(f.Path) && get(d.root, "services") != nil:
			return Compose
		case isDeployment(d):
			return AstroDeployment
		case isHelmValues(f, d):
			return HelmValues
		case exportKind(f.Path) != "" && len(pairs(d.root)) > 0:
			return Export
		}
	}
	return ""
}

// json reads an IAM policy, or an export.
func (r *reader) json(f *File, l listed) {
	whole := func(from, end int) Span { return Span{f, from, end} }
	if r.cloudPolicy(f.Text, whole) {
		f.Kind = CloudPolicy
		r.keep(f)
		return
	}
	if isKeyFile(f.Text) {
		f.Kind = Export
		r.keep(f)
		return
	}
	kind := exportKind(f.Path)
	if kind == "" && !l.certain {
		return
	}
	all, err := yamlDocuments(f.Text, whole)
	if err != nil || len(all) != 1 || !r.export(f, all[0], kind) {
		if !l.certain {
			return
		}
	}
	f.Kind = Export
	r.keep(f)
}

// isKeyFile tells the key of a service account, as Google hands it out.
func isKeyFile(text string) bool {
	return strings.Contains(text, `"private_key"`) && strings.Contains(text, `"service_account"`)
}

// guess reads a file that was named and whose name tells nothing.
func (r *reader) guess(f *File) {
	text := strings.TrimSpace(f.Text)
	switch first, _, _ := strings.Cut(text, "\n"); {
	case strings.HasPrefix(first, "#!") && strings.HasSuffix(strings.TrimSpace(first), "sh"):
		f.Kind = Script
		r.other(f, listed{path: f.Path, kind: Script, certain: true})
	case strings.HasPrefix(strings.ToUpper(text), "FROM ") || strings.Contains(text, "\nFROM "):
		f.Kind = Dockerfile
		r.file(f, listed{path: f.Path, kind: Dockerfile, certain: true})
	case strings.HasPrefix(text, "["), path.Ext(f.Path) == ".cfg":
		f.Kind = AirflowConfig
		r.file(f, listed{path: f.Path, kind: AirflowConfig, certain: true})
	default:
		f.Kind = DotEnv
		r.file(f, listed{path: f.Path, kind: DotEnv, certain: true})
	}
}
