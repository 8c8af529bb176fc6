package cli

import (
	"context"
	"errors"
	"syscall"

	"charm.land/huh/v2"

	"github.com/airlock-secrets/airlock/internal/setup"
)

// askService asks which backend is to be set up.
func (a *app) askService(ctx context.Context) (setup.Service, error) {
	services := setup.Services()
	options := make([]huh.Option[int], len(services))
	for i, s := range services {
		options[i] = huh.NewOption(s.Title, i)
	}
	var chosen int
	err := a.form(ctx, huh.NewGroup(huh.NewSelect[int]().Title("Which store are the secrets in?").Options(options...).Value(&chosen)))
	return services[chosen], err
}

// askAnswers asks what given does not answer. Answers are checked as they are
// typed.
func (a *app) askAnswers(ctx context.Context, s setup.Service, given setup.Answers) error {
	answers := make(map[string]*string, len(s.Questions))
	soFar := func() setup.Answers {
		now := setup.Answers{}
		for name, value := range answers {
			now[name] = *value
		}
		return now
	}
	var groups []*huh.Group
	for _, q := range s.Questions {
		value := given[q.Name]
		answers[q.Name] = &value
		if value != "" {
			continue
		}
		value = q.Default
		hidden := func() bool { return q.When != nil && !q.When(soFar()) }
		group := huh.NewGroup(a.field(q, &value)).WithHideFunc(hidden)
		if !a.plainTerminal() {
			groups = append(groups, group)
			continue
		}
		// Line by line a form asks what is hidden too.
		if hidden() {
			continue
		}
		if err := a.form(ctx, group); err != nil {
			return err
		}
	}
	if len(groups) > 0 {
		if err := a.form(ctx, groups...); err != nil {
			return err
		}
	}
	for name, value := range soFar() {
		given[name] = value
	}
	return nil
}

// field asks one question. Where there are only lines of text, the help and
// what an empty answer means stand in the question itself.
func (a *app) field(q setup.Question, value *string) huh.Field {
	if a.plainTerminal() {
		q.Title += " (" + q.Help + ")"
		if q.Default != "" {
			q.Title += " [" + q.Default + "]"
		}
	}
	if q.Choices != nil {
		return huh.NewSelect[string]().Title(q.Title).Description(q.Help).Options(huh.NewOptions(q.Choices...)...).Value(value)
	}
	input := huh.NewInput().Title(q.Title).Description(q.Help).Value(value).Validate(q.Accepts)
	if q.Secret {
		input = input.EchoMode(huh.EchoModePassword)
	}
	return input
}

// confirm asks a question whose answer is no unless it is yes.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	var yes bool
	err := a.form(ctx, huh.NewGroup(huh.NewConfirm().Title(question).Affirmative("Yes").Negative("No").Value(&yes)))
	return yes, err
}

// form asks on standard error, so that standard output keeps to the answer.
func (a *app) form(ctx context.Context, groups ...*huh.Group) error {
	form := huh.NewForm(groups...).WithInput(a.Stdin).WithOutput(a.Stderr).WithAccessible(a.plainTerminal())
	if !a.paint(a.Stderr) {
		form = form.WithTheme(huh.ThemeFunc(huh.ThemeBase))
	}
	err := form.RunWithContext(ctx)
	if errors.Is(err, huh.ErrUserAborted) {
		return &signalError{syscall.SIGINT} // Ctrl-C sends no signal while a form is shown
	}
	return err
}
