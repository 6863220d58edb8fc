// Command cert-manager is cert-manager's controller, webhook, cainjector or startup check, as its first argument says.
// The sandbox's images of those names each call it with theirs; the other arguments are those of the official chart.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
	ctrl "sigs.k8s.io/controller-runtime"
)

var programs = map[string]func(context.Context, []string) error{
	"controller":      controllerMain,
	"webhook":         webhookMain,
	"cainjector":      cainjectorMain,
	"startupapicheck": startupAPICheckMain,
}

func main() {
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: cert-manager controller|webhook|cainjector|startupapicheck [ARGUMENTS]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	logf.InitLogs()
	defer logf.FlushLogs()
	ctrl.SetLogger(logf.Log)
	ctx = logf.NewContext(ctx, logf.Log, os.Args[1])
	if err := programs[os.Args[1]](ctx, os.Args[2:]); err != nil {
		logf.Log.Error(err, "cannot go on")
		logf.FlushLogs()
		os.Exit(1)
	}
}
