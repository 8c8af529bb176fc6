package check

func classRules() []Rule { return nil }
