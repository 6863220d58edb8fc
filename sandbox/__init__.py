"""A real one-node Kubernetes for a machine that has package registries and nothing else: no Docker, no image registry.

    python -m sandbox build | up [--operator VERSION] [--cert-manager] [--prometheus]
    python -m sandbox down [--purge] [--force] | status | exec COMMAND ...

From Python: `sandbox.cluster.up()`, `sandbox.teardown.down()`, `sandbox.status.status()`,
`sandbox.building.build(home)`; `sandbox.home.home()` says where everything is. They raise `sandbox.report.Failure`,
whose text is for the user.

    building   debian, golang, image, system_images, images/, charts/, pruning      what it is made of
    cluster    node, rootfs, cgroups, network, pki, configuration, daemons, containerd, addons, readiness, api, users
    teardown, status

Everything is in `$FLINK_K8S_HOME`; `sandbox.cluster` lists what else of the machine is touched.
"""
