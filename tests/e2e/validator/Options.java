import java.io.File;
import java.io.PrintStream;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;

import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.FallbackKey;

/**
 * Prints every configuration option that the jars declare, one a line, tab-separated: key, type, default, older keys
 * (comma-separated). An option is a static field of type ConfigOption in a class whose name ends in Options, as Flink's and the
 * operator's all are. What cannot be loaded (a class whose optional library is missing) is counted on standard error.
 */
public class Options {
    public static void main(String[] jars) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        int unreadable = 0;
        for (String jar : jars) {
            List<String> names = new ArrayList<>();
            try (JarFile file = new JarFile(new File(jar))) {
                file.stream().map(entry -> entry.getName())
                        .filter(name -> name.startsWith("org/apache/flink/") && name.endsWith(".class"))
                        .filter(name -> name.contains("Options") || name.contains("OptionsInternal"))
                        .filter(name -> !name.contains("$") && !name.contains("/shaded/"))
                        .forEach(name -> names.add(name.substring(0, name.length() - 6).replace('/', '.')));
            }
            for (String name : names) {
                try {
                    var type = Class.forName(name, true, Options.class.getClassLoader());
                    for (var field : type.getDeclaredFields()) {
                        if (Modifier.isStatic(field.getModifiers()) && ConfigOption.class.isAssignableFrom(field.getType())) {
                            field.setAccessible(true);
                            print(out, (ConfigOption<?>) field.get(null));
                        }
                    }
                } catch (Throwable error) {
                    unreadable++;
                    System.err.println(name + ": " + error);
                }
            }
        }
        out.flush();
        System.err.println(unreadable + " classes not read");
        System.exit(0);
    }

    private static void print(PrintStream out, ConfigOption<?> option) throws Exception {
        if (option == null) {
            return;
        }
        var older = new ArrayList<String>();
        for (FallbackKey key : option.fallbackKeys()) {
            older.add(key.getKey());
        }
        var getClazz = ConfigOption.class.getDeclaredMethod("getClazz");
        getClazz.setAccessible(true);
        Object fallback = option.defaultValue();
        String text = fallback == null ? "" : fallback.toString().replace('\t', ' ').replace('\n', ' ');
        out.println(option.key() + "\t" + ((Class<?>) getClazz.invoke(option)).getSimpleName() + "\t" + text + "\t"
                + String.join(",", older));
    }
}
