package org.apache.flink.autoscaler;

/** A type that the operator looks for plugins of; newer than the published autoscaler. */
public interface ScalingExecutorPlugin<KEY> {}
