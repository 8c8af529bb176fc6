package check

func exposureRules() []Rule { return nil }
