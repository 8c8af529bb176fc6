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
	args, err := split(command)
	if err != nil || len(args) == 0 {
		return nil, failed("ValueError", "No closing quotation", "correct credential_process in "+clip(path))
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

// split is Python's shlex.split, with POSIX quoting.
func split(command string) ([]string, error) {
	var words []string
	var word []byte
	inWord, quote := false, byte(0)
	for i := 0; i < len(command); i++ {
		ch := command[i]
		switch {
		case quote == '\'' && ch != '\'', quote == '"' && ch != '"' && ch != '\\':
			word = append(word, ch)
		case quote != 0 && ch == quote:
			quote = 0
		case ch == '\\' && i+1 < len(command):
			i++
			if quote == '"' && command[i] != '"' && command[i] != '\\' {
				word = append(word, '\\')
			}
			word, inWord = append(word, command[i]), true
		case ch == '\'' || ch == '"':
			quote, inWord = ch, true
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r':
			if inWord {
				words, word, inWord = append(words, string(word)), nil, false
			}
		default:
			word, inWord = append(word, ch), true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quotation is not closed")
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}
