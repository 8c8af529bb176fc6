package check

func astroRules() []Rule { return nil }
