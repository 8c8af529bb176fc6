package project

type manifests struct{}

type composeFile struct{}

// other reads the kinds of files that their content tells.
func (r *reader) other(f *File, _ listed) {
	switch f.Kind {
	case Export:
		r.keep(f)
		r.environment(f.Path, Export, r.statements(f), false)
	case unknown:
		f.Kind = DotEnv
		r.keep(f)
		r.environment(f.Path, DotEnv, r.statements(f), false)
	}
}
