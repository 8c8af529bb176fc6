package e2e

func liveClaims(*lab) []claimed { return nil }
