package vaultstore

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// apart is how far clocks may be apart without a word.
const apart = time.Minute

// health asks whether the server serves reads, and what time it is there.
func (p *probe) health() error {
	r := request{method: "GET", path: "sys/health", query: "standbyok=true&perfstandbyok=true", root: true}
	before := time.Now()
	answer, err := p.s.roundTrip(p.ctx, r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	p.clock(answer, before)
	if answer.StatusCode >= 400 {
		return p.s.refusal(r, answer)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	if err != nil {
		return err
	}
	var health vault.Health
	if err := decode(body, &health); err != nil {
		return errNotJSON
	}
	if !health.Initialized || health.Sealed {
		return errNotJSON // a Vault says both by its status
	}
	return nil
}

// clock compares the server's time with ours: tokens that are signed hold one.
func (p *probe) clock(answer *http.Response, before time.Time) {
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return
	}
	off := before.Sub(theirs).Round(time.Second)
	if off.Abs() <= apart {
		return
	}
	word := "ahead of"
	if off < 0 {
		word = "behind"
	}
	method := p.s.auth.Name()
	signed := slices.Contains([]string{"aws_iam", "gcp", "jwt", "kubernetes"}, method)
	text := fmt.Sprintf("this computer's clock is %v %s the server's", off.Abs(), word)
	if signed {
		text += fmt.Sprintf(", and what the %s log-in shows holds a time: it may be refused", method)
	}
	p.add(store.Symptom{Topic: store.TopicClock, Text: text, Fix: "sudo timedatectl set-ntp true", Mild: !signed})
}
