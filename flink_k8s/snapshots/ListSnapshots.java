import java.io.FileNotFoundException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.plugin.PluginUtils;

/**
 * Prints the completed savepoints and checkpoints in directories, by Flink's own file systems.
 *
 * <p>A pod of `flink_k8s/snapshots/listing.py` runs it with the job's image, which contains no Java compiler. After a
 * change, `python -m dev.java_classes` compiles it.
 *
 * <p>Arguments: the directories. The environment variable FLINK_K8S_CONFIGURATION contains Flink's configuration, one
 * `key=value` per line. Output: one line per snapshot, `flink-k8s TAB snapshot TAB milliseconds TAB bytes TAB path`, and
 * per directory `flink-k8s TAB listed TAB directory` or `flink-k8s TAB failed TAB directory TAB reason`.
 */
public final class ListSnapshots {
    /** Directories of a job's checkpoints: job id, checkpoint. */
    private static final int DEPTH = 2;

    public static void main(String[] directories) throws Exception {
        Configuration configuration = new Configuration();
        for (String line : System.getenv("FLINK_K8S_CONFIGURATION").split("\n")) {
            int end = line.indexOf('=');
            if (end > 0) {
                configuration.setString(line.substring(0, end), line.substring(end + 1));
            }
        }
        FileSystem.initialize(configuration, PluginUtils.createPluginManagerFromRootFolder(configuration));
        for (String directory : directories) {
            try {
                Path path = new Path(directory);
                list(path.getFileSystem(), path, 0);
                print("listed\t" + directory);
            } catch (Throwable error) {
                while (error.getCause() != null && error.getCause() != error) {
                    error = error.getCause();
                }
                print("failed\t" + directory + "\t" + String.valueOf(error).replaceAll("\\s+", " "));
            }
        }
    }

    private static void list(FileSystem files, Path directory, int depth) throws Exception {
        FileStatus[] entries;
        try {
            entries = files.listStatus(directory);
        } catch (FileNotFoundException error) {
            return; // the job has not written to it yet, or Flink has deleted it meanwhile
        }
        if (entries == null) {
            return;
        }
        FileStatus metadata = null;
        long bytes = 0;
        for (FileStatus entry : entries) {
            if (!entry.isDir()) {
                bytes += entry.getLen();
                metadata = entry.getPath().getName().equals("_metadata") ? entry : metadata;
            }
        }
        if (metadata != null) {
            print("snapshot\t" + metadata.getModificationTime() + "\t" + bytes + "\t" + directory);
            return;
        }
        for (FileStatus entry : entries) {
            String name = entry.getPath().getName();
            if (entry.isDir() && depth < DEPTH && !name.equals("shared") && !name.equals("taskowned")) {
                list(files, entry.getPath(), depth + 1);
            }
        }
    }

    private static void print(String fields) {
        System.out.println("flink-k8s\t" + fields);
    }
}
