package org.apache.flink.autoscaler;

import org.apache.flink.autoscaler.state.AutoScalerStateStore;

/** Collects nothing: there is no autoscaler to use it. */
public class RestApiMetricsCollector<KEY, Context extends JobAutoScalerContext<KEY>>
        extends ScalingMetricCollector<KEY, Context> {
    public RestApiMetricsCollector(AutoScalerStateStore<KEY, Context> store) {}
}
