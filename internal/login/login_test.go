package login_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/login"
)

func TestALogInOutlivesWhoeverGivesUp(t *testing.T) {
	s := login.Shared[string]{Limit: time.Minute}
	var logins atomic.Int64
	hold := make(chan struct{})
	enter := func(ctx context.Context) (string, error) {
		logins.Add(1)
		select {
		case <-hold:
			return "token", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { _, err := s.Do(ctx, "", enter); first <- err }()
	for logins.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	second := make(chan error)
	go func() {
		token, err := s.Do(t.Context(), "", enter)
		if token != "token" {
			err = errors.Join(err, errors.New("no token"))
		}
		second <- err
	}()
	close(hold)
	if err := <-second; err != nil {
		t.Errorf("who waits: %v", err)
	}
	if n := logins.Load(); n > 2 { // the second may have come after the end of the first
		t.Errorf("%d log-ins", n)
	}
}

func TestALogInEnds(t *testing.T) {
	s := login.Shared[string]{Limit: time.Millisecond}
	_, err := s.Do(t.Context(), "", func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that its time is over", err)
	}
}

func TestTheEndOfTheStoreEndsTheLogIn(t *testing.T) {
	life, end := context.WithCancel(t.Context())
	s := login.Shared[string]{Limit: time.Minute, Life: life}
	_, err := s.Do(t.Context(), "", func(ctx context.Context) (string, error) {
		end()
		<-ctx.Done()
		return "", ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the store ended", err)
	}
}

func TestWithoutALimitEachLogsInByItself(t *testing.T) {
	var s login.Shared[string]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Do(ctx, "", func(ctx context.Context) (string, error) { return "", ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the caller's own end", err)
	}
}
