import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** A job without end. Its TaskManagers need the classes of its jar. */
public final class Numbers {
    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        environment.fromSequence(1, Long.MAX_VALUE).filter(number -> number % 100_000_000 == 0).print();
        environment.execute();
    }
}
