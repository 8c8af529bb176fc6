package check

func nameRules() []Rule { return nil }
