package ssmstore

// Broken returns what is wrong with the settings although Airflow's class is
// constructed with them and fails only when it is first asked, as every
// operation here does. It is nil where nothing is.
func (s *Store) Broken() error {
	if s.err == nil {
		return nil
	}
	return s.fail("configure", "", s.err)
}
