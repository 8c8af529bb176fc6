package gcpstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/program"
)

// allowExecutables permits programs that give a token (google.auth.pluggable).
const allowExecutables = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"

// executableAnswer is what an executable prints (google.auth.pluggable).
type executableAnswer struct {
	Version   int    `json:"version"`
	Success   *bool  `json:"success"`
	TokenType string `json:"token_type"`
	Expires   *int64 `json:"expiration_time"`
	IDToken   string `json:"id_token"`
	SAML      string `json:"saml_response"`
}

func (e *executableAnswer) token(now time.Time) (string, error) {
	switch {
	case e.Version != 1 || e.Success == nil:
		return "", errors.New("its answer is not one of version 1")
	case !*e.Success:
		return "", errors.New("it reports a failure")
	case e.Expires != nil && *e.Expires < now.Unix():
		return "", errors.New("its token has expired")
	case e.TokenType == "urn:ietf:params:oauth:token-type:saml2" && e.SAML != "":
		return e.SAML, nil
	case (e.TokenType == "urn:ietf:params:oauth:token-type:jwt" || e.TokenType == "urn:ietf:params:oauth:token-type:id_token") && e.IDToken != "":
		return e.IDToken, nil
	}
	return "", errors.New("its answer has no token")
}

// fromExecutable runs a program for the token, where the environment allows
// it as google-auth asks for, and where who permits it and who names it are
// both the user.
func (s subject) fromExecutable(ctx context.Context, executable *pyjson.Object) (string, error) {
	const what = "running the credential source's executable"
	if s.env.get(allowExecutables) != "1" {
		return "", &tokenError{what: what, cause: errors.New(
			"executables need to be explicitly allowed: set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES to '1'")}
	}
	command, err := s.command(executable)
	if notAllowed := command.Allowed(); notAllowed != nil {
		return "", notAllowed
	}
	if err != nil {
		return "", &tokenError{what: what, cause: fmt.Errorf("reading its command: %w", err)}
	}
	if c := s.env.Confined; c != nil {
		return "", c.Withhold("what the executable of credential_source gives to this machine")
	}
	if cached := textOf(executable, "output_file"); cached != "" {
		var said executableAnswer
		if text, err := readFile(s.env, cached); err == nil && json.Unmarshal([]byte(text), &said) == nil && said.Expires != nil {
			if token, err := said.token(s.web.now()); err == nil {
				return token, nil
			}
		}
	}
	out, err := command.Output(ctx)
	if err != nil {
		return "", &tokenError{what: what, cause: fmt.Errorf("the program failed: %w", err)}
	}
	var said executableAnswer
	if json.Unmarshal(out, &said) != nil {
		return "", &tokenError{what: what, cause: errors.New("it does not print JSON")}
	}
	token, err := said.token(s.web.now())
	if err != nil {
		return "", &tokenError{what: what, cause: err}
	}
	return token, nil
}

// command is what runs for a token. The error is of the text of the command.
func (s subject) command(executable *pyjson.Object) (program.Command, error) {
	args, err := program.Split(textOf(executable, "command"))
	more := []string{"GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=" + s.config.Audience, "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=" + s.config.SubjectTokenType,
		"GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0", "GOOGLE_EXTERNAL_ACCOUNT_REVOKE=0"}
	if cached := textOf(executable, "output_file"); cached != "" {
		more = append(more, "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE="+cached)
	}
	word := s.word.And(s.env.Words.Named(allowExecutables))
	c := s.env.Words.Command(word, "the executable of credential_source", args, more...)
	c.Limit, c.Timeout = maxToken, 30*time.Second
	if ms, ok := get(executable, "timeout_millis").(int64); ok && ms >= 5000 && ms <= 120000 {
		c.Timeout = time.Duration(ms) * time.Millisecond
	}
	return c, err
}
