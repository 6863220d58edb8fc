package org.apache.flink.autoscaler;

/** A type that the operator's factory names. */
public abstract class ScalingMetricCollector<KEY, Context extends JobAutoScalerContext<KEY>> {}
