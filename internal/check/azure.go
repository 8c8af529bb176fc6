package check

func azureRules() []Rule { return nil }
