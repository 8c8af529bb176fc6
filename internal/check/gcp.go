package check

func gcpRules() []Rule { return nil }
