import java.io.BufferedReader;
import java.io.PrintStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.kubernetes.operator.api.diff.Diffable;
import org.apache.flink.kubernetes.operator.api.diff.SpecDiff;
import org.apache.flink.kubernetes.operator.api.spec.AbstractFlinkSpec;
import org.apache.flink.kubernetes.operator.api.spec.FlinkDeploymentSpec;
import org.apache.flink.kubernetes.operator.api.spec.FlinkSessionJobSpec;
import org.apache.flink.kubernetes.operator.api.spec.KubernetesDeploymentMode;
import org.apache.flink.kubernetes.operator.reconciler.diff.ReflectiveDiffBuilder;

/**
 * What the operator thinks of a change of a spec. Needs no cluster.
 *
 * "table FILE" writes what its API classes are annotated with, as JSON: kind to field to {diff, modes, ignoreNull, default, defaults
 * and known (of what is inside), prefixes, fields}, each left out where it says nothing. "compare ASKED ANSWERED" reads JSON lines {kind, mode, old, new} and writes for each
 * the type of the operator's own comparison, a tab, and the fields that differ; or "failed TAB why".
 */
public class SpecChanges {
    private static final ObjectMapper MAPPER =
            new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("table")) {
            ObjectNode table = MAPPER.createObjectNode();
            table.set("FlinkDeployment", fields(FlinkDeploymentSpec.class));
            table.set("FlinkSessionJob", fields(FlinkSessionJobSpec.class));
            Files.writeString(Path.of(arguments[1]), MAPPER.writeValueAsString(table));
        } else {
            compare(Path.of(arguments[1]), arguments[2]);
        }
        System.exit(0);
    }

    private static void compare(Path asked, String answered) throws Exception {
        try (PrintStream out = new PrintStream(answered, "UTF-8"); // the operator may log to standard output
                BufferedReader lines = Files.newBufferedReader(asked, StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                out.println(verdict(MAPPER.readTree(line)).replace('\n', ' ').replace('\r', ' '));
            }
        }
    }

    private static String verdict(JsonNode entry) {
        try {
            Class<? extends AbstractFlinkSpec> type =
                    entry.get("kind").asText().equals("FlinkSessionJob") ? FlinkSessionJobSpec.class : FlinkDeploymentSpec.class;
            KubernetesDeploymentMode mode =
                    KubernetesDeploymentMode.valueOf(entry.get("mode").asText().toUpperCase(Locale.ROOT));
            AbstractFlinkSpec before = MAPPER.treeToValue(entry.get("old"), type);
            AbstractFlinkSpec after = MAPPER.treeToValue(entry.get("new"), type);
            var result = new ReflectiveDiffBuilder<AbstractFlinkSpec>(mode, before, after).build();
            List<String> names = new ArrayList<>();
            for (var diff : result.getDiffList()) {
                names.add(diff.getFieldName());
            }
            return result.getType() + "\t" + String.join(" ", names);
        } catch (Exception error) {
            return "failed\t" + error;
        }
    }

    private static ObjectNode fields(Class<?> type) throws Exception {
        ObjectNode found = MAPPER.createObjectNode();
        var constructor = type.getDeclaredConstructor();
        Object fresh = constructor.newInstance();
        for (Class<?> owner = type; owner != Object.class; owner = owner.getSuperclass()) {
            for (Field field : owner.getDeclaredFields()) {
                int modifiers = field.getModifiers();
                if (!Modifier.isStatic(modifiers) && !Modifier.isTransient(modifiers) && !field.getName().contains("$")) {
                    field.setAccessible(true);
                    found.set(field.getName(), field(field, field.get(fresh)));
                }
            }
        }
        return found;
    }

    private static ObjectNode field(Field field, Object fallback) throws Exception {
        ObjectNode said = MAPPER.createObjectNode();
        SpecDiff diff = field.getAnnotation(SpecDiff.class);
        SpecDiff.Config config = field.getAnnotation(SpecDiff.Config.class);
        if (config != null) {
            ArrayNode prefixes = said.putArray("prefixes");
            for (SpecDiff.Entry entry : config.value()) {
                ArrayNode prefix = prefixes.addArray().add(entry.prefix()).add(entry.type().name());
                modes(prefix.addArray(), entry.mode());
            }
        } else if (diff != null) {
            said.put("diff", diff.value().name());
            if (diff.mode().length > 0) {
                modes(said.putArray("modes"), diff.mode());
            }
            if (ignoresNull(diff)) {
                said.put("ignoreNull", true);
            }
        } else if (Diffable.class.isAssignableFrom(field.getType())) {
            said.set("fields", fields(field.getType()));
        } else if (fallback == null && !field.getType().isEnum() && isObject(field.getType())) {
            JsonNode inside = MAPPER.valueToTree(field.getType().getDeclaredConstructor().newInstance());
            ObjectNode defaults = MAPPER.createObjectNode();
            inside.fields().forEachRemaining(entry -> {
                if (!entry.getValue().isNull() && !(entry.getValue().isContainerNode() && entry.getValue().isEmpty())) {
                    defaults.set(entry.getKey(), entry.getValue());
                }
            });
            if (!defaults.isEmpty()) {
                said.set("defaults", defaults);
            }
            if (field.getName().equals("podTemplate")) {
                ArrayNode known = said.putArray("known");
                for (Field property : field.getType().getDeclaredFields()) {
                    if (property.isAnnotationPresent(JsonProperty.class)) {
                        known.add(property.getName());
                    }
                }
            }
        }
        JsonNode value = MAPPER.valueToTree(fallback);
        if (value != null && !value.isNull() && !(value.isContainerNode() && value.isEmpty())) {
            said.set("default", value);
        }
        return said;
    }

    private static boolean isObject(Class<?> type) {
        return type.getPackage() == FlinkDeploymentSpec.class.getPackage() || type.getName().startsWith("io.fabric8.");
    }

    /** Operator 1.7.0's annotation does not have it. */
    private static boolean ignoresNull(Annotation diff) throws Exception {
        for (var method : SpecDiff.class.getDeclaredMethods()) {
            if (method.getName().equals("onNullIgnore")) {
                return (Boolean) method.invoke(diff);
            }
        }
        return false;
    }

    private static void modes(ArrayNode into, KubernetesDeploymentMode[] modes) {
        for (KubernetesDeploymentMode mode : modes) {
            into.add(mode.name().toLowerCase(Locale.ROOT));
        }
    }
}
