package awsconn_test

import (
	"errors"
	"slices"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
)

// raisedError is an exception of botocore's connection that a case asks for.
type raisedError struct{ class string }

func (e *raisedError) Error() string { return "the case raises " + e.class }

// connectionErrors are those exceptions: what they say of https://x/, and
// their bases.
var connectionErrors = map[string]vectors.PythonError{
	"botocore.EndpointConnectionError": {Message: `Could not connect to the endpoint URL: "https://x/"`,
		MRO: []string{"EndpointConnectionError", "ConnectionError", "BotoCoreError"}},
	"botocore.ConnectTimeoutError": {Message: `Connect timeout on endpoint URL: "https://x/"`,
		MRO: []string{"ConnectTimeoutError", "ConnectionError", "BotoCoreError", "ConnectTimeout", "ConnectionError", "Timeout", "RequestException", "OSError"}},
	"botocore.ReadTimeoutError": {Message: `Read timeout on endpoint URL: "https://x/"`,
		MRO: []string{"ReadTimeoutError", "HTTPClientError", "BotoCoreError", "ReadTimeout", "Timeout", "RequestException", "OSError",
			"ReadTimeoutError", "TimeoutError", "RequestError", "PoolError", "HTTPError"}},
	"botocore.ConnectionClosedError": {Message: `Connection was closed before we received a valid response from endpoint URL: "https://x/".`,
		MRO: []string{"ConnectionClosedError", "HTTPClientError", "BotoCoreError"}},
}

// modelled are the failures that botocore has a class for; others are a plain
// ClientError.
var modelled = map[string][]string{
	"ssm": {"AccessDeniedException", "InternalServerError", "InvalidKeyId", "ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException",
		"ServiceQuotaExceededException", "ThrottlingException", "TooManyUpdates", "UnsupportedParameterType", "ValidationException"},
	"secretsmanager": {"DecryptionFailure", "EncryptionFailure", "InternalServiceError", "InvalidNextTokenException", "InvalidParameterException",
		"InvalidRequestException", "LimitExceededException", "MalformedPolicyDocumentException", "PreconditionNotMetException", "PublicPolicyException",
		"ResourceExistsException", "ResourceNotFoundException"},
}

// bases are those of built-in exceptions that are not Exception's own.
var bases = map[string][]string{"KeyError": {"LookupError"}, "JSONDecodeError": {"ValueError"}, "NotImplementedError": {"RuntimeError"}}

// modules are those of exceptions that are not built in.
var modules = map[string]string{"JSONDecodeError": "json.decoder", "error": "re", "AirflowException": "airflow.sdk.exceptions"}

// fromBotocore are exceptions that are raised before there is a request.
var fromBotocore = []string{"NoRegionError", "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "InvalidRegionError",
	"InvalidConfigError", "DataNotFoundError", "ConfigParseError", "CredentialRetrievalError"}

// inPython is the one table from an error of these stores to the exception
// that ends the same look-up in Airflow.
func inPython(backend string) func(error) vectors.PythonError {
	return func(err error) vectors.PythonError {
		var (
			refusal *awsconn.Refusal
			python  *airflow.Error
			broken  *raisedError
			coded   *store.Error
		)
		switch {
		case errors.As(err, &broken):
			e := connectionErrors[broken.class]
			if e.MRO != nil {
				e.Type, e.Module = e.MRO[0], "botocore.exceptions"
			}
			return e
		case errors.As(err, &refusal) && slices.Contains(modelled[backend], refusal.Code):
			return vectors.PythonError{Type: refusal.Code, Module: "botocore.errorfactory", Message: refusal.Error(), MRO: []string{refusal.Code, "ClientError"}}
		case errors.As(err, &refusal):
			return vectors.PythonError{Type: "ClientError", Module: "botocore.exceptions", Message: refusal.Error(), MRO: []string{"ClientError"}}
		case errors.As(err, &python):
			e := vectors.PythonError{Type: python.Type, Module: "builtins", Message: python.Original(), MRO: append([]string{python.Type}, bases[python.Type]...)}
			if module, ok := modules[python.Type]; ok {
				e.Module = module
			}
			if slices.Contains(fromBotocore, python.Type) {
				e.Module, e.MRO = "botocore.exceptions", append(e.MRO, "BotoCoreError")
			}
			return e
		case backend == "ssm" && errors.As(err, &coded) && coded.Code == store.Corrupt:
			return vectors.PythonError{Type: "KeyError", Module: "builtins", Message: "'Parameter'", MRO: []string{"KeyError", "LookupError"}}
		}
		return vectors.PythonError{Type: "unmapped", Message: err.Error()}
	}
}
