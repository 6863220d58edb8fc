"""A one-node Kubernetes for machines with access to package registries only: no Docker, no image registry.

    python -m sandbox build | up [--operator VERSION] [--cert-manager] [--prometheus]
    python -m sandbox down [--purge] [--force] | status | exec COMMAND ...

From Python: `sandbox.cluster.up()`, `sandbox.teardown.down()`, `sandbox.status.status()`,
`sandbox.building.build(home)`; `sandbox.home.home()` returns the folder of all files. They raise
`sandbox.report.Failure`, whose text is for the user.

    building   debian, golang, image, system_images, images/, charts/, pruning      its parts
    cluster    node, rootfs, cgroups, network, pki, configuration, daemons, containerd, addons, readiness, api, users
    teardown, status

All files are in `$FLINK_K8S_HOME`; `sandbox.cluster` lists the other changes to the machine.
"""
