package org.apache.flink.autoscaler;

/** What the operator calls at each reconciliation. */
public interface JobAutoScaler<KEY, Context extends JobAutoScalerContext<KEY>> {
    void scale(Context context) throws Exception;

    void cleanup(Context context);
}
