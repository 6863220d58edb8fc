package org.apache.flink.autoscaler.alignment;

/** A type that the operator looks for plugins of; newer than the published autoscaler. */
public interface ParallelismAlignmentMode {}
