package awsconn

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// defaultAttempts is botocore's in standard mode: the first and two more.
const defaultAttempts = 3

// retryer is botocore's standard mode (botocore.retries.standard).
type retryer struct {
	attempts int
	delay    func(attempt int, throttled bool) time.Duration
}

// The codes and statuses that are tried again.
var (
	throttledCodes = []string{
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
		"ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded",
		"BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
		"EC2ThrottledException",
	}
	transientCodes    = []string{"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete", "IDPCommunicationError"}
	transientStatuses = []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
)

// IsErrorRetryable implements aws.Retryer.
func (r *retryer) IsErrorRetryable(err error) bool {
	code, status := codeAndStatus(err)
	if slices.Contains(throttledCodes, code) || slices.Contains(transientCodes, code) || slices.Contains(transientStatuses, status) {
		return true
	}
	if status != 0 {
		return status == http.StatusTooManyRequests
	}
	var request *requestError
	return errors.As(err, &request) && request.again()
}

// MaxAttempts implements aws.Retryer.
func (r *retryer) MaxAttempts() int { return r.attempts }

// RetryDelay implements aws.Retryer: a random part of a pause that doubles
// from a second where the service is throttling, else from 50 ms, up to 20 s.
// The server may ask for up to five seconds more.
func (r *retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	code, status := codeAndStatus(err)
	throttled := slices.Contains(throttledCodes, code) || status == http.StatusTooManyRequests
	if r.delay != nil {
		return r.delay(attempt, throttled), nil
	}
	base := 50 * time.Millisecond
	if throttled {
		base = time.Second
	}
	pause := time.Duration(rand.Float64() * float64(min(base<<min(attempt-1, 10), 20*time.Second)))
	return max(pause, min(retryAfter(err), pause+5*time.Second)), nil
}

// retryAfter is the header x-amz-retry-after, in milliseconds.
func retryAfter(err error) time.Duration {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil || response.Response.Response == nil {
		return 0
	}
	ms, parseErr := strconv.Atoi(response.Response.Header.Get("X-Amz-Retry-After"))
	if parseErr != nil || ms < 0 {
		return 0
	}
	return time.Duration(min(ms, 60_000)) * time.Millisecond
}

// GetRetryToken implements aws.Retryer: retries are not rationed.
func (r *retryer) GetRetryToken(context.Context, error) (func(error) error, error) {
	return func(error) error { return nil }, nil
}

// GetInitialToken implements aws.Retryer.
func (r *retryer) GetInitialToken() func(error) error { return func(error) error { return nil } }

// codeAndStatus is what the service called the failure, and the status of the
// answer; 0 where there was none.
func codeAndStatus(err error) (code string, status int) {
	var named smithy.APIError
	if errors.As(err, &named) {
		code = named.ErrorCode()
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	return code, status
}
