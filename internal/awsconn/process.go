package awsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/airlock-secrets/airlock/internal/program"
)

// processTimeout is how long a credential_process may take.
const processTimeout = time.Minute

// process is ProcessProvider. The command runs where the file that names it is
// the user's: below the user's home, or a file outside the folder that the
// process environment names.
func (ch *chain) process(name string) (aws.CredentialsProvider, error) {
	command, ok := ch.s.files.profiles[name]["credential_process"]
	if !ok {
		return nil, nil
	}
	path, variable := ch.s.files.configPath, "AWS_CONFIG_FILE"
	if _, ok := ch.s.files.credentials[name]["credential_process"]; ok {
		path, variable = ch.s.files.credentialsPath, "AWS_SHARED_CREDENTIALS_FILE"
	}
	args, err := program.Split(command)
	if err == nil && len(args) == 0 {
		err = errors.New("the command is empty")
	}
	if err != nil {
		return nil, failed("ValueError", err.Error(), "correct credential_process in "+clip(path))
	}
	env := ch.s.env
	word := env.Words.Named(variable).And(env.Words.Named("HOME"))
	if env.get(variable) != "" {
		word = env.Words.File(env.path(path), word)
	}
	c := env.Words.Command(word, fmt.Sprintf("the credential_process of the profile %q", clip(name)), args)
	c.Timeout, c.Limit = processTimeout, largestFile
	return cached(func(ctx context.Context) (aws.Credentials, error) {
		found, err := runProcess(ctx, c)
		if err != nil {
			return found, caught("custom-process", "credential_process failed", err, "run the credential_process of the profile by hand")
		}
		return found, nil
	}), nil
}

func runProcess(ctx context.Context, c program.Command) (aws.Credentials, error) {
	out, err := c.Output(ctx)
	if errors.Is(err, program.ErrNotRun) {
		return aws.Credentials{}, err
	}
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("it ended with %w", err)
	}
	var answer struct {
		Version                                   int
		AccessKeyID                               string `json:"AccessKeyId"`
		SecretAccessKey, SessionToken, Expiration string
	}
	if json.Unmarshal(out, &answer) != nil {
		return aws.Credentials{}, fmt.Errorf("its output is not JSON")
	}
	if answer.Version != 1 {
		return aws.Credentials{}, fmt.Errorf("version %d of its output is not supported: it must be 1", answer.Version)
	}
	m := machineCredentials{AccessKeyID: answer.AccessKeyID, SecretAccessKey: answer.SecretAccessKey, Token: answer.SessionToken}
	if answer.Expiration != "" {
		var err error
		if m.Expiration, err = time.Parse(time.RFC3339, answer.Expiration); err != nil {
			return aws.Credentials{}, fmt.Errorf("its Expiration is not a time")
		}
	}
	return m.credentials()
}
