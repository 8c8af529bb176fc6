package check

func dagRules() []Rule { return nil }
