"""Manifests in the shapes that real projects have, and a stack with every key: what the fuzzer starts from."""

# ruff: noqa: E501 - manifests as people write them
from __future__ import annotations

MANIFESTS = [
    """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: orders
  namespace: flink
  labels: {app: orders, team: "7"}
  annotations:
    flink-k8s/enabled: "true"
    example.org/note: |-
      two
      lines
spec:
  image: registry.example.org/orders:1.2@sha256:0000000000000000000000000000000000000000000000000000000000000000
  imagePullPolicy: IfNotPresent
  flinkVersion: v1_20
  serviceAccount: flink
  mode: native
  restartNonce: 1
  flinkConfiguration:
    taskmanager.numberOfTaskSlots: "2"
    execution.checkpointing.interval: 10s
    state: {backend: {type: rocksdb}, checkpoints.dir: s3://bucket/cp}
    state.savepoints.dir: file:///data/sp
    high-availability.type: kubernetes
    high-availability.storageDir: file:///data/ha
    job.autoscaler.enabled: "true"
    kubernetes.operator.job.autoscaler.stabilization.interval: 1m
    metrics.reporters: prom
    rest.port: "8081"
    rest.bind-port: 8081-8090
    kubernetes.jobmanager.cpu.limit-factor: "2"
    s3.endpoint: http://minio.storage:9000
  podTemplate:
    metadata: {labels: {a: b}, annotations: {prometheus.io/port: "9249"}}
    spec:
      serviceAccountName: flink
      hostNetwork: false
      imagePullSecrets: [{name: pull}]
      securityContext: {runAsUser: 9999, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      tolerations: [{key: a, operator: Exists}]
      initContainers:
      - {name: fetch, image: "busybox:1", command: [sh, -c, "wget x"], restartPolicy: Always, resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}}
      containers:
      - name: flink-main-container
        env: [{name: A, value: "1"}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}]
        envFrom: [{configMapRef: {name: c}}]
        ports: [{name: metrics, containerPort: 9249}, {name: p, containerPort: 80, protocol: TCP}]
        volumeMounts: [{name: data, mountPath: /data}, {name: conf, mountPath: /etc/a, subPath: a}, {name: conf, mountPath: /etc/b, subPath: b}]
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
        lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
      - {name: sidecar, image: "x:1", args: [--password, hunter2hunter2], resources: {limits: {cpu: "1", memory: 1Gi, ephemeral-storage: 2Gi}}}
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}, {name: conf, configMap: {name: c, defaultMode: 0644, items: [{key: a, path: a}]}}, {name: tmp, emptyDir: {sizeLimit: 1Gi}}]
  jobManager:
    replicas: 1
    resource: {memory: 1600m, cpu: 0.5, ephemeralStorage: 1Gi}
    podTemplate: {spec: {containers: [{name: flink-main-container, env: [{name: A, value: "2"}]}]}}
  taskManager:
    replicas: 2
    resource: {memory: 2g, cpu: 1}
    podTemplate: {spec: {nodeSelector: {disk: ssd}, containers: [{name: flink-main-container, volumeMounts: [{name: conf, mountPath: /etc/b, subPath: b}]}], volumes: [{name: conf, configMap: {name: c}}]}}
  logConfiguration: {log4j-console.properties: "rootLogger.level = INFO"}
  ingress: {template: "{{name}}.{{namespace}}.example.org", className: nginx, annotations: {a: b}, labels: {c: d}, tls: [{hosts: [a], secretName: t}]}
  job:
    jarURI: local:///opt/flink/usrlib/orders.jar
    entryClass: org.example.Orders
    args: [--input, kafka:9092, --key=value, "3"]
    parallelism: 2
    upgradeMode: savepoint
    state: running
    allowNonRestoredState: false
    savepointTriggerNonce: 3
    initialSavepointPath: s3://bucket/sp/savepoint-1
    savepointRedeployNonce: 1
""",
    """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkBlueGreenDeployment
metadata: {name: blue}
spec:
  configuration: {kubernetes.operator.bluegreen.deployment-deletion.delay: "1000"}
  template:
    metadata: {labels: {a: b}}
    spec:
      image: flink:1.20.1
      flinkVersion: v1_20
      flinkConfiguration: {taskmanager.numberOfTaskSlots: 2.0, rest.port: 8e3, a: [1, true]}
      serviceAccount: flink
      jobManager: {resource: {memory: 1600m, cpu: 1}}
      taskManager: {resource: {memory: 1600m, cpu: 1}, resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 2}}}
      job: {jarURI: "https://jars.example.org/a.jar", parallelism: 1, upgradeMode: stateless}
""",
    """\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: session}
spec:
  image: flink:2.2
  flinkVersion: v2_2
  mode: standalone
  jobManager: {resource: {memory: 1g, cpu: 1}}
  taskManager: {resource: {memory: 1g, cpu: 1}, replicas: 3}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: in-session, annotations: {flink-k8s/enabled: "true"}}
spec:
  deploymentName: session
  flinkConfiguration: {a.b: c, state.savepoints.dir: "file:///x", state.checkpoints.dir: "file:///y"}
  job: {jarURI: "https://jars.example.org/a.jar", parallelism: 1, upgradeMode: savepoint, args: [a]}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkStateSnapshot
metadata: {name: before}
spec: {backoffLimit: 1, savepoint: {alreadyExists: false, disposeOnDelete: true, formatType: CANONICAL, path: "s3://b/c"}, jobReference: {kind: FlinkSessionJob, name: in-session}}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: watched, labels: {flink.apache.org/canary: "true"}}
""",
    """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: data}
  spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: c, labels: {a: b}, annotations: {n: "1"}}
  data: {password: hunter2hunter2, a.properties: "x=1\\ny=2"}
- apiVersion: v1
  kind: Secret
  metadata: {name: s}
  type: Opaque
  stringData: {password: hunter2hunter2}
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata: {name: p}
  spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {a: b}}}], ports: [{port: 80, protocol: TCP}]}], egress: [{}]}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: kafka}
  spec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {hostPID: true, containers: [{name: k, image: "kafka:latest", args: [--token, abcdefabcdef], ports: [{containerPort: 9092}], securityContext: {privileged: true}}], volumes: [{name: h, hostPath: {path: /}}]}}}
- {apiVersion: batch/v1, kind: CronJob, metadata: {name: cron}, spec: {schedule: "1 * * * *", jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: x}]}}}}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: flink, labels: {a: b}}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: flink, annotations: {a: b}}}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: flink}, rules: [{apiGroups: [""], resources: [pods], verbs: ["*"]}]}
- {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: flink}, roleRef: {kind: Role, name: flink}, subjects: [{kind: ServiceAccount, name: flink}]}
- {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: w.example.org}, spec: {group: example.org, scope: Cluster, names: {kind: W}}}
- {apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: c}, spec: {secretName: c, dnsNames: [a]}}
- {apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {cpu: 1}}}
""",
]

STACK = """\
config:
  flink-k8s:context: kind-flink
  flink-k8s:namespaces:
    flink: {labels: {a: b}, alertLabels: {team: a}, podSecurity: baseline, quota: {cpu: "20", memory: 40Gi, pods: 30, storage: 1Ti, claims: 5, hard: {services: 5}}, limits: {min: {cpu: 10m}, max: {memory: 8Gi}, claim: 50Gi}, egress: [{cidr: 10.0.0.0/8, ports: ["9092"]}], imagePullSecrets: [pull]}
  flink-k8s:certManager: {enabled: true, values: {a: {b: 1}}}
  flink-k8s:prometheus: {enabled: true, values: {grafana: {enabled: true}}, alerts: {enabled: true, "off": [FlinkJobFailed]}}
  flink-k8s:operator: {version: 1.16.1, webhook: true, configuration: {kubernetes.operator.reconcile.interval: 30 s}, values: {replicas: 1, metrics: {port: 9999}}, egress: [{namespace: storage, pods: {app: minio}, ports: ["9000"]}]}
  flink-k8s:charts: {mirror: "oci://registry.example.org/charts"}
  flink-k8s:stateStorage: {type: s3, uri: "s3://bucket/flink", endpoint: "http://minio.storage:9000", region: us-east-1, credentials: {accessKey: {secret: s3, key: a}, secretKey: {secret: s3, key: b}}}
  flink-k8s:networkPolicies: {enabled: true, restClients: [{namespace: ops}], apiServer: {cidrs: [10.0.0.1/32], ports: ["6443"]}}
  flink-k8s:ingress: {enabled: true, template: "{{name}}.{{namespace}}.example.org", className: nginx}
  flink-k8s:images: {"flink:2.2": "registry.example.org/flink:2.2"}
  flink-k8s:jobDefaults: {env: {A: 1}, parameters: {a: b}, flinkConfiguration: {a: {b: 1}}, taskManager: {memory: 2g, cpu: 1}, upgradeMode: savepoint}
  flink-k8s:jobs:
    orders: {parallelism: 2, args: [a, 1], secretEnv: {P: {secret: s, key: k}}, secretFiles: {/etc/x: {secret: s, files: {a: b}}}, internalTls: {enabled: true, duration: 2160h}, autoscaling: {profile: eager, min: 2, max: 8}, availability: {maxUnavailable: 1, spread: zone, provider: gke, spot: true}, recovery: fast, restoreFrom: "s3://b/savepoint-1", egress: [{cidr: 0.0.0.0/0}], ingress: {enabled: true}, spec: {podTemplate: {spec: {containers: [{name: flink-main-container, env: [{name: A, $patch: delete}]}]}}}}
  flink-k8s:enforced: {flinkConfiguration: {x: null}, env: {Z: "9"}, protect: true, spec: {imagePullPolicy: Always}}
  flink-k8s:strict: false
  flink-k8s:jobTimeout: 5m
"""

STACK_WITHOUT_JOBS = "".join(
    line for line in STACK.splitlines(keepends=True) if not line.startswith(("  flink-k8s:jobs:", "    orders: "))
)
