package check

func kwargsRules() []Rule { return nil }
