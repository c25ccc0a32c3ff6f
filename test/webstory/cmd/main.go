// Command webstory serves the web page with canned data, without a daemon and without AWS.
//
//	go run ./test/webstory/cmd --story shop --actions
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/personalize-monitor/personalize-monitor/internal/serve/guard"
	"github.com/personalize-monitor/personalize-monitor/internal/serve/web"
	"github.com/personalize-monitor/personalize-monitor/test/webstory"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "webstory:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("webstory", flag.ContinueOnError)
	name := flags.String("story", webstory.Names()[0], "which story: "+strings.Join(webstory.Names(), ", "))
	address := flags.String("listen", "127.0.0.1:8097", "where to listen")
	actions := flags.Bool("actions", false, "show the buttons of actions, which do nothing")
	token := flags.String("token", "", "require this token")
	if err := flags.Parse(args); err != nil {
		return err
	}
	snapshot, ok := webstory.Snapshot(*name)
	if !ok {
		return fmt.Errorf("story %q does not exist; stories: %s", *name, strings.Join(webstory.Names(), ", "))
	}
	options, _ := webstory.Options(snapshot)
	options.AllowActions, options.Actions = *actions, &webstory.Actions{}
	var err error
	if options.Guard, err = guard.New(*address, *token, nil); err != nil {
		return err
	}
	options.Demo = "Canned data: nothing here is real."
	options.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	page, err := web.New(options)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: page, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() {
		page.Close()
		_ = server.Close()
	})
	fmt.Fprintf(os.Stderr, "story %s: http://%s\n", *name, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
