package gcpstore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/program"
)

// maxKeyFile bounds a file of credentials.
const maxKeyFile = 1 << 20

// fromServiceAccountInfo is service_account.Credentials.
// from_service_account_info: what is missing is a MalformedError, a key that
// cannot be read a ValueError.
func fromServiceAccountInfo(info *pyjson.Object) (*Credentials, error) {
	var missing []string
	for _, name := range []string{"client_email", "token_uri"} {
		if _, ok := info.Get(name); !ok {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return nil, python("MalformedError", "Service account info was not in the expected format, missing fields "+strings.Join(missing, ", ")+".")
	}
	text, ok := get(info, "private_key").(string)
	if !ok {
		return nil, python("MalformedError", "The private_key field was not found in the service account info.")
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	a := &serviceAccount{email: textOf(info, "client_email"), keyID: textOf(info, "private_key_id"), tokenURI: textOf(info, "token_uri"),
		universe: DefaultUniverse, key: key}
	if _, ok := info.Get("universe_domain"); ok {
		a.universe = textOf(info, "universe_domain")
	}
	return &Credentials{account: a, project: textOf(info, "project_id"), universe: a.universe}, nil
}

// get is info.get(name).
func get(info *pyjson.Object, name string) any {
	v, _ := info.Get(name)
	return v
}

// textOf is a member that is text; anything else counts as not there.
func textOf(info *pyjson.Object, name string) string {
	text, _ := get(info, name).(string)
	return text
}

// fromKeyFile is _get_credentials_using_key_path and service_account.
// Credentials.from_service_account_file.
func fromKeyFile(env Env, path string) (*Credentials, error) {
	switch {
	case strings.HasSuffix(path, ".p12"):
		return nil, python("AirflowException", "Legacy P12 key file are not supported, use a JSON key file.")
	case !strings.HasSuffix(path, ".json"):
		return nil, python("AirflowException", "Unrecognised extension for key file.")
	}
	text, err := readFile(env, path)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(text) {
		return nil, python("UnicodeDecodeError", "the key file is not UTF-8")
	}
	v, err := pyjson.Decode(text)
	if err != nil {
		return nil, notJSON(err)
	}
	info, ok := v.(*pyjson.Object)
	if !ok {
		return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'keys'", pyjson.TypeName(v)))
	}
	c, err := fromServiceAccountInfo(info)
	if err == nil {
		c.file = env.path(path)
	}
	return c, err
}

// notJSON is Python's error for text that is not JSON: it says where, not what
// is there.
func notJSON(err error) error {
	var bad *pyjson.Error
	if errors.As(err, &bad) {
		return python(bad.Type, bad.Error())
	}
	return python("ValueError", "the text is not JSON")
}

// readFile reads a file of credentials; an error is Python's.
func readFile(env Env, path string) (string, error) {
	f, err := env.open(path)
	switch {
	case withheld(err), errors.Is(err, diskfile.ErrNotRegular):
		return "", err
	case err != nil:
		return "", osError(path, err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > maxKeyFile {
		return "", python("ValueError", "the file of credentials is too long")
	}
	b := make([]byte, maxKeyFile+1)
	n := 0
	for n < len(b) {
		m, err := f.Read(b[n:])
		n += m
		if errors.Is(err, syscall.EISDIR) {
			return "", osError(path, err)
		}
		if err != nil {
			return string(b[:n]), nil
		}
	}
	return "", python("ValueError", "the file of credentials is too long")
}

func osError(path string, err error) error {
	kind, text := "OSError", "[Errno 5] Input/output error"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind, text = "FileNotFoundError", "[Errno 2] No such file or directory"
	case errors.Is(err, fs.ErrPermission):
		kind, text = "PermissionError", "[Errno 13] Permission denied"
	case errors.Is(err, syscall.EISDIR):
		kind, text = "IsADirectoryError", "[Errno 21] Is a directory"
	}
	return python(kind, text+": '"+excerpt.Name(path)+"'")
}

// fromConfigFile is google.auth.load_credentials_from_file, named being the
// word of what names the file.
func fromConfigFile(env Env, path string, named program.Word, scopes []string) (*Credentials, error) {
	if !env.exists(path) {
		return nil, defaultError("File " + excerpt.Name(path) + " was not found.")
	}
	text, err := readFile(env, path)
	if err != nil {
		return nil, err
	}
	c, err := fromConfigText(env, "File "+excerpt.Name(path), text, env.Words.File(env.path(path), named), scopes)
	if err == nil {
		c.file = env.path(path)
	}
	return c, err
}

// fromConfigText reads the text of a file of credentials, whose word it is
// given; what names it in an error.
func fromConfigText(env Env, what, text string, word program.Word, scopes []string) (*Credentials, error) {
	v, err := pyjson.Decode(text)
	if err != nil || !utf8.ValidString(text) {
		return nil, defaultError(what + " is not a valid json file.")
	}
	info, ok := v.(*pyjson.Object)
	if !ok {
		return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'get'", pyjson.TypeName(v)))
	}
	c, err := fromInfo(env, what, info, word, scopes)
	if err != nil {
		return nil, err
	}
	if scopes != nil {
		c.scopes = scopes
	}
	if quota := env.get("GOOGLE_CLOUD_QUOTA_PROJECT"); quota != "" {
		c.quotaProject = quota
	}
	return c, nil
}

// fromInfo is google.auth._default._load_credentials_from_info. Any ValueError
// on the way is a DefaultCredentialsError.
func fromInfo(env Env, what string, info *pyjson.Object, word program.Word, scopes []string) (*Credentials, error) {
	var c *Credentials
	var err error
	switch kind := textOf(info, "type"); kind {
	case "service_account":
		if c, err = fromServiceAccountInfo(info); err != nil {
			return nil, defaultError("Failed to load service account credentials from " + what + ": " + err.Error())
		}
		return c, nil
	case "authorized_user":
		c, err = fromAuthorizedUser(info, scopes)
	case "external_account":
		c, err = fromExternalAccount(env, info, word)
	case "external_account_authorized_user":
		c, err = fromWorkforceUser(info)
	case "impersonated_service_account":
		c, err = fromImpersonated(info)
	case "gdch_service_account":
		c, err = nil, errors.New("airlock does not read those of Google Distributed Cloud")
	default:
		return nil, defaultError("The file " + what + " does not have a valid type. Expected one of authorized_user, service_account, " +
			"external_account, external_account_authorized_user, impersonated_service_account.")
	}
	var raised *airflow.Error
	if err != nil && !errors.As(err, &raised) {
		return nil, defaultError("Failed to load credentials from " + what + ": " + err.Error())
	}
	return c, err
}

func defaultError(message string) error { return python("DefaultCredentialsError", message) }

// need says which members are not there, as an error.
func need(info *pyjson.Object, names ...string) error {
	var missing []string
	for _, name := range names {
		if _, ok := info.Get(name); !ok {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return errors.New("missing fields " + strings.Join(missing, ", "))
	}
	return nil
}

// fromAuthorizedUser is Credentials.from_authorized_user_info.
func fromAuthorizedUser(info *pyjson.Object, scopes []string) (*Credentials, error) {
	if err := need(info, "refresh_token", "client_id", "client_secret"); err != nil {
		return nil, err
	}
	if scopes == nil {
		switch v := get(info, "scopes").(type) {
		case string:
			scopes = strings.Split(v, " ")
		case []any:
			scopes = texts(v)
		}
	}
	return &Credentials{quotaProject: textOf(info, "quota_project_id"), universe: universeIn(info), account: &userAccount{endpoint: googleTokens,
		id: textOf(info, "client_id"), secret: textOf(info, "client_secret"), refresh: textOf(info, "refresh_token"), scopes: scopes}}, nil
}

// fromWorkforceUser is external_account_authorized_user.Credentials.from_info.
func fromWorkforceUser(info *pyjson.Object) (*Credentials, error) {
	if err := need(info, "audience", "refresh_token", "token_url", "client_id", "client_secret"); err != nil {
		return nil, err
	}
	return &Credentials{quotaProject: textOf(info, "quota_project_id"), universe: universeIn(info), account: &userAccount{workforce: true,
		endpoint: textOf(info, "token_url"), id: textOf(info, "client_id"), secret: textOf(info, "client_secret"), refresh: textOf(info, "refresh_token")}}, nil
}

func universeIn(info *pyjson.Object) string {
	if u := textOf(info, "universe_domain"); u != "" {
		return u
	}
	return DefaultUniverse
}

// texts are the strings of a list.
func texts(list []any) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, pyjson.Str(v))
	}
	return out
}

// fromImpersonated is impersonated_credentials.Credentials.
// from_impersonated_service_account_info: gcloud's --impersonate-service-account.
func fromImpersonated(info *pyjson.Object) (*Credentials, error) {
	source, ok := get(info, "source_credentials").(*pyjson.Object)
	if !ok {
		return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'get'", pyjson.TypeName(get(info, "source_credentials"))))
	}
	var inner *Credentials
	var err error
	switch kind := textOf(source, "type"); kind {
	case "authorized_user":
		inner, err = fromAuthorizedUser(source, nil)
	case "service_account":
		inner, err = fromServiceAccountInfo(source)
	case "external_account_authorized_user":
		inner, err = fromWorkforceUser(source)
	default:
		return nil, errors.New("source credentials of that type are not supported")
	}
	if err != nil {
		return nil, errors.New("source_credentials: " + err.Error())
	}
	address, ok := get(info, "service_account_impersonation_url").(string)
	if !ok {
		return nil, python("AttributeError", fmt.Sprintf("'%s' object has no attribute 'rfind'",
			pyjson.TypeName(get(info, "service_account_impersonation_url"))))
	}
	slash, end := strings.LastIndex(address, "/"), strings.Index(address, ":generateAccessToken")
	if slash < 0 || end < 0 || slash > end {
		return nil, errors.New("service_account_impersonation_url names no account")
	}
	a := &impersonated{source: inner.account, target: address[slash+1 : end], delegates: jsonable(get(info, "delegates")), universe: inner.universe}
	if list, ok := get(info, "scopes").([]any); ok && len(list) > 0 {
		a.scopes = texts(list)
	}
	return &Credentials{account: a, quotaProject: textOf(info, "quota_project_id"), universe: inner.universe}, nil
}

// jsonable is a list of text, or nil.
func jsonable(v any) any {
	if list, ok := v.([]any); ok {
		return texts(list)
	}
	return nil
}
