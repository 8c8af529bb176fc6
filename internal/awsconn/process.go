package awsconn

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// processTimeout is how long a credential_process may take.
const processTimeout = time.Minute

// process is ProcessProvider. The command is run only for a file that Env
// says may have one run: a folder that is merely being looked at must not
// run programs.
func (ch *chain) process(name string) (aws.CredentialsProvider, error) {
	command, ok := ch.s.files.profiles[name]["credential_process"]
	if !ok {
		return nil, nil
	}
	path := ch.s.files.configPath
	if _, ok := ch.s.files.credentials[name]["credential_process"]; ok {
		path = ch.s.files.credentialsPath
	}
	env := ch.s.env
	if env.MayRun == nil || !env.MayRun(env.path(path)) {
		return nil, unsupported(fmt.Sprintf("running the credential_process of %s, which is not in your home folder", clip(env.path(path))),
			"set AWS_CONFIG_FILE in the environment of airlock itself, not in a project's file")
	}
	words, err := split(command)
	if err != nil || len(words) == 0 {
		return nil, failed("ValueError", "No closing quotation", "correct credential_process in "+clip(path))
	}
	return cached(func(ctx context.Context) (aws.Credentials, error) {
		c, err := runProcess(ctx, words, env.Dir)
		if err != nil {
			return c, caught("custom-process", "credential_process failed", err, "run the credential_process of the profile by hand")
		}
		return c, nil
	}), nil
}

func runProcess(ctx context.Context, words []string, dir string) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	var out bytes.Buffer
	cmd.Stdout = &bounded{Buffer: &out, left: largestFile}
	if err := cmd.Run(); err != nil {
		return aws.Credentials{}, fmt.Errorf("it ended with %w", err)
	}
	var answer struct {
		Version                                   int
		AccessKeyID                               string `json:"AccessKeyId"`
		SecretAccessKey, SessionToken, Expiration string
	}
	if json.Unmarshal(out.Bytes(), &answer) != nil {
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

// bounded keeps the start of what is written and drops the rest.
type bounded struct {
	*bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.Buffer.Write(p[:n])
	return len(p), nil
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
