package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoadCountsGoodAnswersOnly(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/x" || r.Header.Get("X-Vault-Token") != "token" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		asked.Add(1)
		_, _ = w.Write([]byte(strings.Repeat("x", 300)))
	}))
	defer s.Close()
	rate, err := load(context.Background(), s.URL, "/v1/x", "token", 8, 50*time.Millisecond)
	if err != nil || rate <= 0 || asked.Load() == 0 {
		t.Errorf("load answers %f, %v after %d requests", rate, err, asked.Load())
	}
	if _, err := load(context.Background(), s.URL, "/v1/x", "another", 8, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("load on a refusing server: %v, want its status", err)
	}
}

func TestMiddle(t *testing.T) {
	itself := func(f float64) float64 { return f }
	for _, c := range []struct {
		samples []float64
		want    float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}} {
		if got := middle(c.samples, itself); got != c.want {
			t.Errorf("middle(%v) = %v, want %v", c.samples, got, c.want)
		}
	}
}
