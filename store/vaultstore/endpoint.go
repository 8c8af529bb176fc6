package vaultstore

import "net/url"

// Endpoint is the address of the server, or nil where the settings give none
// that can be read. A daemon asks for it to notice that it would ask itself.
func (s *Store) Endpoint() *url.URL {
	u, err := url.Parse(s.address)
	if err != nil {
		return nil
	}
	return u
}
