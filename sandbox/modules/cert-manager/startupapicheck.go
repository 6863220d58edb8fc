package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/cmapichecker"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
)

// startupAPICheckMain (`check api --wait=1m`) waits until the API server takes a Certificate, which it does only once the
// definitions are there and the webhook answers with a certificate that the API server trusts.
func startupAPICheckMain(ctx context.Context, arguments []string) error {
	flags := pflag.NewFlagSet("startupapicheck", pflag.ContinueOnError)
	limit := flags.Duration("wait", 0, "how long to try; once when 0")
	verbose := flags.CountP("verbose", "v", "say what each try met")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if command := flags.Args(); len(command) != 2 || command[0] != "check" || command[1] != "api" {
		return fmt.Errorf("%q: the only command is: check api", command)
	}
	configuration, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	namespace, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return err
	}
	checker, err := cmapichecker.New(configuration, string(namespace))
	if err != nil {
		return err
	}
	var last error
	err = wait.PollUntilContextTimeout(ctx, time.Second, max(*limit, time.Millisecond), true,
		func(ctx context.Context) (bool, error) {
			last = checker.Check(ctx)
			if last != nil && *verbose > 0 {
				logf.FromContext(ctx).Info("not ready", "reason", last.Error())
			}
			return last == nil, nil
		})
	if err != nil {
		return errors.Join(errors.New("the cert-manager API is not ready"), last)
	}
	fmt.Println("The cert-manager API is ready")
	return nil
}
