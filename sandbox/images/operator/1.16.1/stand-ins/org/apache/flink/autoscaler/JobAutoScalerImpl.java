package org.apache.flink.autoscaler;

import org.apache.flink.autoscaler.event.AutoScalerEventHandler;
import org.apache.flink.autoscaler.realizer.ScalingRealizer;
import org.apache.flink.autoscaler.state.AutoScalerStateStore;

/** An autoscaler that leaves every job as it is. */
public class JobAutoScalerImpl<KEY, Context extends JobAutoScalerContext<KEY>>
        implements JobAutoScaler<KEY, Context> {
    public JobAutoScalerImpl(
            ScalingMetricCollector<KEY, Context> collector,
            ScalingMetricEvaluator evaluator,
            ScalingExecutor<KEY, Context> executor,
            AutoScalerEventHandler<KEY, Context> events,
            ScalingRealizer<KEY, Context> realizer,
            AutoScalerStateStore<KEY, Context> store) {}

    @Override
    public void scale(Context context) {}

    @Override
    public void cleanup(Context context) {}
}
