import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.cfg.MapperConfig;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.LogicalType;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.kubernetes.operator.api.AbstractFlinkResource;
import org.apache.flink.kubernetes.operator.api.FlinkDeployment;
import org.apache.flink.kubernetes.operator.api.FlinkSessionJob;
import org.apache.flink.kubernetes.operator.config.FlinkConfigManager;
import org.apache.flink.kubernetes.operator.validation.DefaultValidator;

/**
 * Says of each manifest what the operator says: strict decoding, then its DefaultValidator. Needs no cluster.
 *
 * The first argument is a file of JSON lines {"manifest": …, "related": …, "defaults": {…}}, where related is the session cluster of a
 * session job or the job of a snapshot, and defaults is the operator's own configuration. Writes to the second for each line one of
 * "valid", "refused TAB message", "undecodable TAB message", or "failed TAB message" when the validator itself raised.
 */
public class Validate {
    private static final String API = "org.apache.flink.kubernetes.operator.api.";
    private static final ObjectMapper MAPPER =
            new ObjectMapper()
                    .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
                    .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                    .configure(MapperFeature.ALLOW_COERCION_OF_SCALARS, false)
                    .setAnnotationIntrospector(new Strict());
    private static final Map<String, DefaultValidator> VALIDATORS = new HashMap<>();

    /** The operator's own classes say that they ignore what they do not know; a misspelt field is to be seen here. */
    private static final class Strict extends JacksonAnnotationIntrospector {
        @Override
        public JsonIgnoreProperties.Value findPropertyIgnoralByName(MapperConfig<?> config, Annotated annotated) {
            var said = super.findPropertyIgnoralByName(config, annotated);
            return annotated.getRawType().getName().startsWith("org.apache.flink.") ? said.withoutIgnoreUnknown() : said;
        }
    }

    static { // as an API server with the CRD's schema: a number is no text
        for (var shape : new CoercionInputShape[] {
            CoercionInputShape.Integer, CoercionInputShape.Float, CoercionInputShape.Boolean
        }) {
            MAPPER.coercionConfigFor(LogicalType.Textual).setCoercion(shape, CoercionAction.Fail);
        }
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(arguments[1], "UTF-8"); // the operator logs to standard output
        try (BufferedReader lines = Files.newBufferedReader(Path.of(arguments[0]), StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                out.println(verdict(MAPPER.readTree(line)).replace('\n', ' ').replace('\r', ' '));
            }
        }
        out.close();
        System.exit(0); // the configuration manager keeps a thread
    }

    private static String verdict(JsonNode entry) throws Exception {
        Object resource;
        Object related;
        try {
            resource = decode(entry.get("manifest"));
            if (entry.get("manifest").get("kind").asText().equals("FlinkBlueGreenDeployment")) {
                resource = decode(child(entry.get("manifest")));
            }
            related = decode(entry.get("related"));
        } catch (ClassNotFoundException error) {
            return "undecodable\tno such kind: " + error.getMessage();
        } catch (Exception error) {
            return "undecodable\t" + error.getMessage();
        }
        try {
            Optional<String> refusal = validate(validator(entry.get("defaults")), resource, related);
            return refusal.map(message -> "refused\t" + message).orElse("valid");
        } catch (java.lang.reflect.InvocationTargetException error) {
            return "failed\t" + error.getCause();
        } catch (Exception error) {
            return "failed\t" + error;
        }
    }

    private static Object decode(JsonNode manifest) throws Exception {
        if (manifest == null || manifest.isNull()) {
            return null;
        }
        return MAPPER.treeToValue(manifest, Class.forName(API + manifest.get("kind").asText()));
    }

    /** The FlinkDeployment that the operator makes of a blue/green one; the validator sees nothing else of it. */
    private static JsonNode child(JsonNode parent) {
        ObjectNode made = MAPPER.createObjectNode();
        made.put("apiVersion", parent.get("apiVersion").asText()).put("kind", "FlinkDeployment");
        made.putObject("metadata")
                .put("name", parent.get("metadata").get("name").asText() + "-green")
                .put("namespace", parent.get("metadata").get("namespace").asText());
        made.set("spec", parent.get("spec").get("template").get("spec"));
        return made;
    }

    private static Optional<String> validate(DefaultValidator validator, Object resource, Object related) throws Exception {
        if (resource instanceof FlinkDeployment) {
            return validator.validateDeployment((FlinkDeployment) resource);
        }
        if (resource instanceof FlinkSessionJob) {
            return validator.validateSessionJob(
                    (FlinkSessionJob) resource, Optional.ofNullable((FlinkDeployment) related));
        }
        for (var method : DefaultValidator.class.getMethods()) { // 1.7.0 has no snapshots
            if (method.getName().equals("validateStateSnapshot")) {
                @SuppressWarnings("unchecked")
                var refusal = (Optional<String>)
                        method.invoke(validator, resource, Optional.ofNullable((AbstractFlinkResource<?, ?>) related));
                return refusal;
            }
        }
        throw new IllegalStateException("the validator does not look at " + resource.getClass().getSimpleName());
    }

    private static DefaultValidator validator(JsonNode defaults) throws Exception {
        String key = defaults == null ? "{}" : defaults.toString();
        DefaultValidator known = VALIDATORS.get(key);
        if (known != null) {
            return known;
        }
        Configuration configuration = new Configuration();
        if (defaults != null) {
            defaults.fields().forEachRemaining(field -> configuration.setString(field.getKey(), field.getValue().asText()));
        }
        Consumer<Set<String>> nobody = namespaces -> {};
        FlinkConfigManager manager = null;
        for (var constructor : FlinkConfigManager.class.getConstructors()) { // 1.7.0 does not ask whether snapshots are there
            var types = constructor.getParameterTypes();
            if (types[0] == Configuration.class && types.length == 3) {
                manager = (FlinkConfigManager) constructor.newInstance(configuration, nobody, true);
            } else if (types[0] == Configuration.class && types.length == 2) {
                manager = (FlinkConfigManager) constructor.newInstance(configuration, nobody);
            }
        }
        DefaultValidator made = new DefaultValidator(manager);
        VALIDATORS.put(key, made);
        return made;
    }
}
