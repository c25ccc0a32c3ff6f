package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirmation is the question before something is deleted or stopped.
type confirmation struct {
	needed bool // else nothing is asked
	yes    bool // answered on the command line
	what   string
}

// errNotConfirmed ends a command that was answered no.
var errNotConfirmed = errors.New("not confirmed; nothing was changed")

// possible refuses, before anything else is done, a command that needs an answer and has
// nobody to ask. taken says that standard input is used for something else.
func (c confirmation) possible(in io.Reader, taken bool) error {
	if !c.needed || c.yes || (!taken && onTerminal(in)) {
		return nil
	}
	return usage(fmt.Errorf("%s: there is no terminal to ask on; confirm with --yes, or look with --dry-run", c.what))
}

// ask asks on the terminal. Anything but yes is no.
func (c confirmation) ask(ctx context.Context, s Streams) error {
	if !c.needed || c.yes {
		return nil
	}
	fmt.Fprintf(s.Err, "%s? Type yes to go on: ", c.what)
	answers := make(chan string, 1)
	go func() { // a read cannot be interrupted; the program ends without it
		line, _ := bufio.NewReader(s.In).ReadString('\n')
		answers <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case answer := <-answers:
		if answer == "yes" || answer == "y" {
			return nil
		}
	}
	return errNotConfirmed
}

// onTerminal tells whether somebody can be asked through in.
func onTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && file != nil && term.IsTerminal(int(file.Fd()))
}
