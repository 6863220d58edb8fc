package main

import (
	"context"
	"time"

	cmscheme "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/scheme"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	kscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/component-base/logs"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// cainjectorMain writes certificate authorities into webhook configurations, API services and definitions that ask for it.
func cainjectorMain(ctx context.Context, arguments []string) error {
	flags := pflag.NewFlagSet("cainjector", pflag.ContinueOnError)
	logOptions := logs.NewOptions()
	logf.AddFlags(logOptions, flags)
	election := leaderElectionFlags(flags)
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if err := logf.ValidateAndApply(logOptions); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		kscheme.AddToScheme, cmscheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme,
	} {
		utilruntime.Must(add(scheme))
	}
	configuration, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(util.RestConfigWithUserAgent(configuration, "cainjector"), ctrl.Options{
		Scheme: scheme,
		Cache:  cache.Options{ReaderFailOnMissingInformer: true},
		// Secrets are read one at a time; a cache would hold all of the cluster's.
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElection:                election.enabled,
		LeaderElectionNamespace:       election.namespace,
		LeaderElectionID:              "cert-manager-cainjector-leader-election",
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &election.duration,
		RenewDeadline:                 &election.deadline,
		RetryPeriod:                   &election.retry,
		Metrics:                       metrics.Options{BindAddress: ":9402"},
	})
	if err != nil {
		return err
	}
	err = cainjector.RegisterAllInjectors(ctx, manager, cainjector.SetupOptions{
		EnableCertificatesDataSource: true,
		EnabledReconcilersFor: map[string]bool{
			cainjector.MutatingWebhookConfigurationName:   true,
			cainjector.ValidatingWebhookConfigurationName: true,
			cainjector.APIServiceName:                     true,
			cainjector.CustomResourceDefinitionName:       true,
		},
	})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}

type leaderElection struct {
	enabled                   bool
	namespace                 string
	duration, deadline, retry time.Duration
}

func leaderElectionFlags(flags *pflag.FlagSet) *leaderElection {
	election := &leaderElection{}
	flags.BoolVar(&election.enabled, "leader-elect", true, "let one of several replicas work")
	flags.StringVar(&election.namespace, "leader-election-namespace", "kube-system", "where the lease is")
	flags.DurationVar(&election.duration, "leader-election-lease-duration", time.Minute, "how long a leader's word counts")
	flags.DurationVar(&election.deadline, "leader-election-renew-deadline", 40*time.Second, "when a leader gives up")
	flags.DurationVar(&election.retry, "leader-election-retry-period", 15*time.Second, "how often replicas try")
	return election
}
