package app

import (
	"context"
	"fmt"
	"time"
)

// reachTime bounds how long credentials in an account may take.
const reachTime = 10 * time.Second

// Reach gets credentials in one of several accounts, and makes sure that they are of that account.
func (a *App) Reach(ctx context.Context, account string) error {
	bounded, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	if _, err := a.parts.Config.Credentials.Retrieve(bounded); err != nil {
		return err
	}
	identity, err := a.Owner.Identity(bounded)
	if err == nil && identity.Account != account { // guard: credentials of another account
		return fmt.Errorf("the credentials belong to the account %s", identity.Account)
	}
	return err
}
