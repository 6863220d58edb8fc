package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/component-base/logs"

	// Each registers its controller: all of a Certificate's life, and the issuers that need nobody outside of the cluster.
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/metrics"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

const workers = 5 // of each controller, as is cert-manager's default

// controllerMain issues certificates. Of the official controller's flags it knows those that the chart sets by default.
func controllerMain(ctx context.Context, arguments []string) error {
	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	logOptions := logs.NewOptions()
	logf.AddFlags(logOptions, flags)
	election := leaderElectionFlags(flags)
	resources := flags.String("cluster-resource-namespace", "kube-system", "where ClusterIssuers have their secrets")
	flags.String("acme-http01-solver-image", "", "not used: the sandbox's build has no ACME issuer")
	flags.Int("max-concurrent-challenges", 60, "not used: the sandbox's build has no ACME issuer")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if err := logf.ValidateAndApply(logOptions); err != nil {
		return err
	}
	none := resource.MustParse("0")
	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: *resources},
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverResourceRequestCPU: none, HTTP01SolverResourceRequestMemory: none,
			HTTP01SolverResourceLimitsCPU: none, HTTP01SolverResourceLimitsMemory: none,
		},
		CertificateOptions: controller.CertificateOptions{
			CopiedAnnotationPrefixes:                 []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"},
			CertificateRequestMinimumBackoffDuration: time.Hour,
			CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
		},
	})
	if err != nil {
		return err
	}
	base, err := factory.Build()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)

	base.Metrics.SetupCertificateCollector(base.SharedInformerFactory.Certmanager().V1().Certificates().Lister())
	base.Metrics.SetupIssuerCollector(base.SharedInformerFactory.Certmanager().V1().Issuers().Lister())
	base.Metrics.SetupClusterIssuerCollector(base.SharedInformerFactory.Certmanager().V1().ClusterIssuers().Lister())
	metricsListener, err := net.Listen("tcp", ":9402")
	if err != nil {
		return err
	}
	metricsServer := base.Metrics.NewServer(metricsListener)
	group.Go(func() error {
		<-ctx.Done()
		return metricsServer.Close()
	})
	group.Go(func() error {
		if err := metricsServer.Serve(metricsListener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})

	health := healthz.NewServer(20 * time.Second)
	healthListener, err := net.Listen("tcp", ":9403")
	if err != nil {
		return err
	}
	group.Go(func() error { return health.Start(ctx, healthListener) })

	if err := waitToLead(ctx, group, base, election, health.LeaderHealthzAdaptor); err != nil {
		return errors.Join(err, group.Wait())
	}
	for name, build := range controller.Known() {
		one, err := build(factory)
		if err != nil {
			return fmt.Errorf("controller %s: %w", name, err)
		}
		group.Go(func() error { return one.Run(workers, ctx) })
	}
	base.SharedInformerFactory.Start(ctx.Done())
	base.KubeSharedInformerFactory.Start(ctx.Done())
	base.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	return group.Wait()
}

// waitToLead returns once this process is the leader; losing that later ends the group.
func waitToLead(
	ctx context.Context, group *errgroup.Group, base *controller.Context, election *leaderElection,
	watchdog *leaderelection.HealthzAdaptor,
) error {
	if !election.enabled {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	lease, err := resourcelock.New(
		resourcelock.LeasesResourceLock, election.namespace, "cert-manager-controller", base.Client.CoreV1(),
		base.Client.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: host, EventRecorder: base.Recorder},
	)
	if err != nil {
		return err
	}
	elected := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lease,
		LeaseDuration:   election.duration,
		RenewDeadline:   election.deadline,
		RetryPeriod:     election.retry,
		ReleaseOnCancel: true,
		WatchDog:        watchdog,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(elected) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	group.Go(func() error {
		elector.Run(ctx)
		if ctx.Err() == nil {
			return errors.New("another process leads now")
		}
		return nil
	})
	select {
	case <-elected:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
