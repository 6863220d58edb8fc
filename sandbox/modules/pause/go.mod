module flink-k8s/sandbox/pause

go 1.24.0
