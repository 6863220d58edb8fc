package org.apache.flink.autoscaler.metrics;

/** A type that the operator looks for plugins of; newer than the published autoscaler. */
public interface ScalingMetricsEvaluatorPlugin {}
