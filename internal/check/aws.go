package check

func awsRules() []Rule { return nil }
