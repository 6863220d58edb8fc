"""Facts about Flink, its operator and Kubernetes: versions, option tables, units, kinds, the memory model."""
