package gcpstore

// Broken returns what is wrong with the settings although Airflow's class is
// constructed with them and fails only when it is first asked, as every
// operation here does. It is nil where nothing is.
func (s *Store) Broken() error { return s.fail("configure", "", s.broken) }
