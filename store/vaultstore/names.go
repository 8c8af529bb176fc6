package vaultstore

import "slices"

// Kwargs are the kwargs of VaultBackend and of hvac's client that JSON can
// give a meaning, sorted. Any other is an error at each look-up.
func Kwargs() []string {
	names := slices.Clone(backendKwargs)
	for name := range clientKwargs {
		if name != "base_uri" && name != "adapter" { // no value of JSON is right
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
