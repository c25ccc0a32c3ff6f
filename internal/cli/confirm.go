package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// errNotConfirmed ends a command whose question was not answered with yes.
var errNotConfirmed = errors.New("not confirmed; nothing was changed")

// interactive tells whether there is a person to ask: input from a terminal.
func (s Streams) interactive() bool {
	file, ok := s.In.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// confirm asks a question on the terminal; any answer but yes is an error.
func (s Streams) confirm(ctx context.Context, question string) error {
	fmt.Fprintf(s.Err, "%s Type yes to go on: ", question)
	answer := make(chan string, 1)
	// Reading from a terminal cannot be called off: on Ctrl-C this ends with the process.
	go func() {
		line, _ := bufio.NewReader(s.In).ReadString('\n') // what broke off is no yes
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case given := <-answer:
		if given != "yes" {
			return errNotConfirmed
		}
		return nil
	}
}
