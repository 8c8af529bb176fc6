package e2e

func namesClaims(*lab) []claimed { return nil }
