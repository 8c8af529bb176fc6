package awsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/airlock-secrets/airlock/store"
)

// Refusal is a failure that the service itself answered with.
type Refusal struct {
	// Operation is what was called: "GetParameter".
	Operation string
	// Code is the service's name of the failure: "AccessDeniedException".
	Code string
	// Message is what the service says, its first line, shortened.
	Message string
	// Status of the answer.
	Status int
	// Retries is how often the call was repeated; 0 where it was not worth it.
	Retries int
}

// Error is botocore's ClientError.
func (r *Refusal) Error() string {
	retries := ""
	if r.Retries > 0 {
		retries = fmt.Sprintf(" (reached max retries: %d)", r.Retries)
	}
	return fmt.Sprintf("An error occurred (%s) when calling the %s operation%s: %s", r.Code, r.Operation, retries, r.Message)
}

// codes is the table from what the services call a failure to a code. What is
// not here goes by the status.
var codes = map[string]store.Code{
	"ParameterNotFound": store.NotFound, "ResourceNotFoundException": store.NotFound,
	"AccessDeniedException": store.Denied, "AccessDenied": store.Denied, "NotAuthorized": store.Denied, "OptInRequired": store.Denied,
	"KMSAccessDeniedException": store.Denied, "DecryptionFailure": store.Denied, "EncryptionFailure": store.Denied,
	"UnrecognizedClientException": store.Unauthenticated, "InvalidClientTokenId": store.Unauthenticated, "ExpiredTokenException": store.Unauthenticated,
	"ExpiredToken": store.Unauthenticated, "InvalidSignatureException": store.Unauthenticated, "SignatureDoesNotMatch": store.Unauthenticated,
	"IncompleteSignature": store.Unauthenticated, "IncompleteSignatureException": store.Unauthenticated, "MissingAuthenticationToken": store.Unauthenticated,
	"MissingAuthenticationTokenException": store.Unauthenticated, "RequestExpired": store.Unauthenticated, "RequestTimeTooSkewed": store.Unauthenticated,
	"InvalidAccessKeyId": store.Unauthenticated, "InvalidIdentityToken": store.Unauthenticated, "TokenRefreshRequired": store.Unauthenticated,
	"ParameterAlreadyExists": store.Conflict, "ResourceExistsException": store.Conflict,
	"InternalServiceError": store.Unavailable, "InternalServerError": store.Unavailable, "InternalFailure": store.Unavailable, "ServiceUnavailable": store.Unavailable,
}

func codeOf(name string, status int) store.Code {
	code, ok := codes[name]
	switch {
	case ok:
		return code
	case status == http.StatusTooManyRequests || isThrottle(name):
		return store.Throttled
	case status >= http.StatusInternalServerError, status == http.StatusNotFound: // the services themselves answer 400
		return store.Unavailable
	case status == http.StatusUnauthorized:
		return store.Unauthenticated
	case status == http.StatusForbidden:
		return store.Denied
	}
	return store.Invalid
}

func isThrottle(name string) bool {
	for _, t := range throttledCodes {
		if name == t {
			return true
		}
	}
	return false
}

// Fail makes a *store.Error of what a call of the SDK failed with; nil stays
// nil. label is the store's.
func Fail(op, label, name string, err error) error {
	if err == nil {
		return nil
	}
	var coded *store.Error
	if errors.As(err, &coded) {
		e := *coded
		e.Op, e.Store, e.Name = op, label, name
		return &e
	}
	e := &store.Error{Op: op, Store: label, Name: name}
	var named smithy.APIError
	var response *awshttp.ResponseError
	hasAnswer := errors.As(err, &response)
	switch {
	case errors.As(err, &named) && (hasAnswer || named.ErrorCode() != ""):
		refused(e, err, named, response)
	default:
		broken(e, err, response)
	}
	return e
}

// refused is an answer that says no.
func refused(e *store.Error, err error, named smithy.APIError, response *awshttp.ResponseError) {
	r := &Refusal{Code: named.ErrorCode(), Message: firstLine(named.ErrorMessage())}
	if response != nil {
		r.Status = response.HTTPStatusCode()
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		r.Operation = operation.OperationName
	}
	var tries *retry.MaxAttemptsError
	if errors.As(err, &tries) {
		r.Retries = tries.Attempt - 1
	}
	e.Code, e.ServiceCode, e.Err = codeOf(r.Code, r.Status), r.Code, r
	e.Absent = e.Code == store.NotFound
	if e.Absent && loggingIn(operation) {
		e.Code, e.Absent = store.Unauthenticated, false
	}
	if r.Code == "UnknownError" && r.Status != 0 { // no error body that makes sense
		e.ServiceCode = ""
	}
	e.Hint, e.Down = hint(e.Code, r, response), isLogin(r.Operation)
}

// isLogin reports whether an operation gives credentials: its failure is one of
// every name.
func isLogin(operation string) bool {
	return strings.HasPrefix(operation, "AssumeRole") || strings.HasPrefix(operation, "GetRoleCredentials")
}

// loggingIn reports whether a call is one of the log-in, by itself or within
// the call that needs it.
func loggingIn(o *smithy.OperationError) bool {
	var within *smithy.OperationError
	return o != nil && (o.ServiceID == sts.ServiceID || errors.As(o.Err, &within))
}

// firstLine shortens what a service says. The rest of the message about a bad
// signature repeats the request, its session token included.
func firstLine(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	if i := strings.Index(line, "The Canonical String"); i >= 0 {
		line = line[:i]
	}
	return strings.TrimSpace(line)
}

// hint says what to do about a refusal.
func hint(code store.Code, r *Refusal, response *awshttp.ResponseError) string {
	if off := skew(response); code == store.Unauthenticated && off != "" {
		return off
	}
	switch {
	case r.Code == "ExpiredTokenException" || r.Code == "ExpiredToken":
		return "the session token has expired: get a new one"
	case r.Code == "DecryptionFailure":
		return "the caller may not use the KMS key: grant kms:Decrypt on it"
	case code == store.Denied:
		return "grant the caller the action of the operation that the message names, and kms:Decrypt on the key"
	case code == store.Unauthenticated:
		return "check the access key id, the secret access key, the session token and the region"
	case code == store.Throttled:
		return "too many requests for this account and region: ask less often, or have the quota raised"
	case code == store.Unavailable:
		return "the service fails by itself: try again later"
	}
	return ""
}

// tolerated is how far clocks may be apart for AWS.
const tolerated = 5 * time.Minute

// skew says how far this computer's clock is from the server's, where that is
// why a signature is refused.
func skew(response *awshttp.ResponseError) string {
	if response == nil || response.Response == nil || response.Response.Response == nil {
		return ""
	}
	theirs, err := http.ParseTime(response.Response.Header.Get("Date"))
	if err != nil {
		return ""
	}
	switch off := time.Since(theirs).Round(time.Second); {
	case off > tolerated:
		return fmt.Sprintf("this computer's clock is %s ahead of the server's, and a signature holds its time: set the clock", off)
	case off < -tolerated:
		return fmt.Sprintf("this computer's clock is %s behind the server's, and a signature holds its time: set the clock", -off)
	}
	return ""
}

// broken is no answer, or one that makes no sense.
func broken(e *store.Error, err error, response *awshttp.ResponseError) {
	var request *requestError
	var certificate *tls.CertificateVerificationError
	var large *tooLargeError
	var garbled *smithy.DeserializationError
	switch {
	case errors.As(err, &large):
		e.Code, e.Err, e.Hint = store.Corrupt, fmt.Errorf("reading the answer: %w", large), "is endpoint_url an AWS service?"
	case errors.As(err, &certificate):
		e.Code, e.Err, e.Down = store.Unavailable, certificate, true
		e.Hint = "the server's certificate is not trusted: give the kwarg verify, or AWS_CA_BUNDLE, the path of its CA"
	case errors.As(err, &request) && request.ended:
		e.Code, e.Err, e.Down = store.Unavailable, request.err, errors.Is(request.err, context.DeadlineExceeded)
	case errors.As(err, &request):
		e.Code, e.Err, e.Down = store.Unavailable, request, true
		e.Hint = "is the service up, and can it be reached from here? see endpoint_url, region_name and the proxy settings"
	case errors.Is(err, context.DeadlineExceeded):
		e.Code, e.Err, e.Down = store.Unavailable, context.DeadlineExceeded, true
	case errors.Is(err, context.Canceled):
		e.Code, e.Err = store.Unavailable, context.Canceled
	case response != nil && response.HTTPStatusCode() >= http.StatusMultipleChoices:
		status := response.HTTPStatusCode()
		e.Code, e.Err = codeOf("", status), fmt.Errorf("the answer has status %d and is not an error of AWS", status)
		e.Hint = either(hint(e.Code, &Refusal{Status: status}, response), "is endpoint_url an AWS service?")
	case errors.As(err, &garbled), response != nil:
		e.Code, e.Err, e.Hint = store.Corrupt, errors.New("the answer is not what the service answers with"), "is endpoint_url an AWS service?"
	default:
		e.Code, e.Err = store.Invalid, errors.New(firstLine(err.Error()))
	}
}
