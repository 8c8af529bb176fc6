package project

import "context"

func read(context.Context, Options) (*Project, error) { return &Project{}, nil }
