import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.security.MessageDigest;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.plugin.PluginUtils;

/**
 * Writes standard input to a file, by Flink's own file systems, unless the file exists.
 *
 * <p>A pod of `flink_k8s/store/jar_upload.py` runs it with the job's image, which contains no Java compiler. After a
 * change, `python -m dev.java_classes` compiles it.
 *
 * <p>Arguments: the URI of the file, its length, and its SHA-256 digest. The environment variable
 * FLINK_K8S_CONFIGURATION contains Flink's configuration, one `key=value` per line. Output: `flink-k8s TAB stored`,
 * `flink-k8s TAB exists`, or `flink-k8s TAB failed TAB reason`.
 */
public final class StoreJar {
    public static void main(String[] arguments) throws Exception {
        try {
            print(store(arguments[0], Long.parseLong(arguments[1]), arguments[2]));
        } catch (Throwable error) {
            while (error.getCause() != null && error.getCause() != error) {
                error = error.getCause();
            }
            print("failed\t" + String.valueOf(error).replaceAll("\\s+", " "));
        }
    }

    private static String store(String uri, long length, String digest) throws Exception {
        Configuration configuration = new Configuration();
        for (String line : System.getenv("FLINK_K8S_CONFIGURATION").split("\n")) {
            int end = line.indexOf('=');
            if (end > 0) {
                configuration.setString(line.substring(0, end), line.substring(end + 1));
            }
        }
        FileSystem.initialize(configuration, PluginUtils.createPluginManagerFromRootFolder(configuration));
        Path path = new Path(uri);
        FileSystem files = path.getFileSystem();
        // A pod that was killed can have written a part.
        if (files.exists(path) && files.getFileStatus(path).getLen() == length) {
            return "exists";
        }
        java.nio.file.Path received = Files.createTempFile("flink-k8s", ".jar");
        String receivedDigest = receive(System.in, received, length);
        if (!receivedDigest.equals(digest)) {
            return "failed\treceived " + Files.size(received) + " of " + length + " bytes, SHA-256 " + receivedDigest;
        }
        files.mkdirs(path.getParent());
        try (OutputStream output = files.create(path, FileSystem.WriteMode.OVERWRITE)) {
            Files.copy(received, output);
        }
        return "stored";
    }

    /** Reads as many bytes as the file has: the API server's protocol does not transfer the end of the input. */
    private static String receive(InputStream input, java.nio.file.Path file, long length) throws Exception {
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        byte[] buffer = new byte[1 << 16];
        try (OutputStream output = Files.newOutputStream(file)) {
            while (length > 0) {
                int count = input.read(buffer, 0, (int) Math.min(buffer.length, length));
                if (count < 0) {
                    break;
                }
                sha256.update(buffer, 0, count);
                output.write(buffer, 0, count);
                length -= count;
            }
        }
        StringBuilder digest = new StringBuilder();
        for (byte value : sha256.digest()) {
            digest.append(String.format("%02x", value));
        }
        return digest.toString();
    }

    private static void print(String fields) {
        System.out.println("flink-k8s\t" + fields);
    }
}
