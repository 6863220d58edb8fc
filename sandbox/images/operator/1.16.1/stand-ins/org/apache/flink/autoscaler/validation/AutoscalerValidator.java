package org.apache.flink.autoscaler.validation;

import java.util.Optional;

import org.apache.flink.configuration.Configuration;

/** Refuses jobs that ask for the autoscaler, rather than leave them waiting for what never comes. */
public class AutoscalerValidator {
    public Optional<String> validateAutoscalerOptions(Configuration configuration) {
        if (configuration.getBoolean("job.autoscaler.enabled", false)) {
            return Optional.of("The sandbox's operator 1.16.1 has no autoscaler (its module is not published)");
        }
        return Optional.empty();
    }
}
