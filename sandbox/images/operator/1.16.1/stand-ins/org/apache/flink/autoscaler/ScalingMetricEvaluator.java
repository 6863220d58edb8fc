package org.apache.flink.autoscaler;

import java.util.Collection;

/** Evaluates nothing; made by the operator's factory with the plugins that it found. */
public class ScalingMetricEvaluator {
    public ScalingMetricEvaluator(Collection<?> plugins) {}
}
