package settings

import "github.com/airlock-secrets/airlock/internal/program"

// word is whose word what stands at an origin is.
func (s *Settings) word(at Origin) program.Word {
	return program.Word{User: !s.OfFolder(at), Where: at.String()}
}

// Words say whose word the settings of a backend are, for the programs that
// its store may run; nil is a store without kwargs.
func (s *Settings) Words(b *Backend) program.Words {
	w := program.Words{Environ: s.processList, Home: s.home, Folder: s.dir, Variable: func(name string) program.Word {
		if v, ok := s.merged[name]; ok {
			return s.word(v.origin)
		}
		return s.word(Origin{Place: Default})
	}}
	if b != nil {
		w.Kwargs = program.Word{User: b.Own, Where: s.kwargsFrom(b).String()}
	}
	return w
}

// kwargsFrom is the place to name of kwargs: where somebody else than the user
// sets some of them, that one.
func (s *Settings) kwargsFrom(b *Backend) Origin {
	for _, at := range append([]Origin{b.KwargsOrigin}, b.Overrides...) {
		if s.OfFolder(at) {
			return at
		}
	}
	return b.KwargsOrigin
}
