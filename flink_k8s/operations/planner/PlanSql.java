import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamGraphHasherV2;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.api.operators.CoordinatedOperatorFactory;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableException;
import org.apache.flink.table.api.bridge.java.StreamStatementSet;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Plans the statements of SQL jobs with Flink's planner, and runs no job.
 *
 * <p>`flink_k8s/operations/planner/run.py` runs it on the user's machine, which may have no Java compiler. After a
 * change, `python -m dev.java_classes` compiles it.
 *
 * <p>Input: lines with fields that are separated by tabs; texts are in Base64. For each job: `job`, its number, the
 * paths of its jars; then `option`, key, value; then in the order of the script `run` or `insert`, statement, text; then
 * `plan`. Statements have numbers.
 *
 * <p>Output: lines that start with `flink-k8s` and the number of the job: `failed`, statement, errors; `plan`, the
 * compiled plan as JSON; `operator`, ID, `keyed`, `coordinated` or `plain`, name; and `done` at the end of the job.
 */
public final class PlanSql {
    private final String number;
    private final ClassLoader classes;
    private final Configuration configuration = new Configuration();
    private final List<String> statements = new ArrayList<>();
    private final List<String> inserts = new ArrayList<>();
    private StreamExecutionEnvironment environment;
    private StreamTableEnvironment tables;
    private StreamStatementSet job;
    private boolean failed;

    private PlanSql(String number, ClassLoader classes) {
        this.number = number;
        this.classes = classes;
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PlanSql job = null;
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] fields = line.split("\t", -1);
            if (fields[0].equals("job")) {
                List<URL> jars = new ArrayList<>();
                for (int index = 2; index < fields.length; index++) {
                    jars.add(new File(text(fields[index])).toURI().toURL());
                }
                ClassLoader flink = PlanSql.class.getClassLoader();
                job = new PlanSql(fields[1], new URLClassLoader(jars.toArray(new URL[0]), flink));
                Thread.currentThread().setContextClassLoader(job.classes);
            } else if (fields[0].equals("option")) {
                job.configuration.setString(text(fields[1]), text(fields[2]));
            } else if (fields[0].equals("plan")) {
                job.plan();
            } else {
                job.take(fields);
            }
        }
    }

    /** Runs a statement that changes the catalog in memory, or adds an INSERT to the job, which validates it. */
    private void take(String[] fields) {
        boolean isInsert = fields[0].equals("insert");
        if (failed && (!isInsert || job == null)) {
            return; // it can need an object that the failed statement does not create
        }
        try {
            if (tables == null) {
                environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
                EnvironmentSettings.Builder settings = EnvironmentSettings.newInstance().withConfiguration(configuration);
                tables = StreamTableEnvironment.create(environment, settings.withClassLoader(classes).build());
            }
            if (!isInsert) {
                tables.executeSql(text(fields[2]));
            } else {
                job = job == null ? tables.createStatementSet() : job;
                job.addInsertSql(text(fields[2]));
                statements.add(fields[1]);
                inserts.add(text(fields[2]));
            }
        } catch (Throwable error) {
            fail(fields[1], error);
        }
    }

    private void plan() {
        try {
            if (!failed && job != null) {
                // The name of an operator then contains the number of its node in the plan.
                tables.getConfig().set("table.exec.simplify-operator-name-enabled", "true");
                String plan = compiled();
                job.attachAsDataStream();
                printOperators(environment.getStreamGraph());
                print("plan", encoded(plan));
            }
        } catch (Throwable error) {
            for (int index = 0; index < inserts.size() && inserts.size() > 1; index++) {
                explain(index);
            }
            if (!failed) {
                fail(statements.get(0), error);
            }
        }
        print("done");
    }

    /** The compiled plan; empty if Flink cannot compile it: not every connector and not every mode supports it. */
    private String compiled() {
        try {
            return job.compilePlan().asJsonString();
        } catch (TableException | UnsupportedOperationException error) {
            return "";
        }
    }

    /** Reports the INSERT if it is the one that cannot be planned. */
    private void explain(int index) {
        try {
            tables.explainSql(inserts.get(index));
        } catch (Throwable error) {
            fail(statements.get(index), error);
        }
    }

    /** Prints each operator with the ID by which a savepoint contains its state. */
    private void printOperators(StreamGraph graph) {
        Map<Integer, byte[]> hashes = new StreamGraphHasherV2().traverseStreamGraphAndGenerateHashes(graph);
        for (StreamNode node : graph.getStreamNodes()) {
            StringBuilder hash = new StringBuilder();
            for (byte value : hashes.get(node.getId())) {
                hash.append(String.format("%02x", value));
            }
            boolean isCoordinated = node.getOperatorFactory() instanceof CoordinatedOperatorFactory;
            String kind = node.getStateKeySerializer() != null ? "keyed" : isCoordinated ? "coordinated" : "plain";
            print("operator", hash.toString(), kind, encoded(node.getOperatorName()));
        }
    }

    /** Prints the class and the message of an error and of its causes. */
    private void fail(String statement, Throwable error) {
        failed = true;
        StringBuilder reasons = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            reasons.append(cause.getClass().getName()).append('\t').append(cause.getMessage()).append('\0');
        }
        print("failed", statement, encoded(reasons.toString()));
    }

    private void print(String... fields) {
        System.out.println("flink-k8s\t" + number + "\t" + String.join("\t", fields));
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(String encoded) {
        return new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
    }
}
