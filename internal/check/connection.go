package check

func connectionRules() []Rule { return nil }
