import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;

/**
 * Downloads jars into a folder, and compares their SHA-256 digests.
 *
 * <p>The init container of `flink_k8s/resolve/connectors.py` runs it with the job's image, which contains Java, but
 * perhaps neither curl nor wget. After a change, `python -m dev.java_classes` compiles it.
 *
 * <p>Arguments: the folder, and URLs, each with `#<sha256>` if the digest is known. A file that exists is not
 * downloaded again, because the folder is that of one pod. The exit code is 1 if a jar cannot be downloaded.
 */
public final class FetchJars {
    private static final int ATTEMPTS = 4;
    private static final int TIMEOUT_MILLISECONDS = 30_000;

    public static void main(String[] arguments) throws Exception {
        Path folder = Paths.get(arguments[0]);
        Files.createDirectories(folder);
        for (int index = 1; index < arguments.length; index++) {
            URL url = new URL(arguments[index]);
            Path jar = folder.resolve(new File(url.getPath()).getName());
            if (!Files.exists(jar)) {
                fetch(url, jar);
            }
        }
    }

    private static void fetch(URL url, Path jar) throws Exception {
        String address = url.toString().replaceAll("#.*", "");
        for (int attempt = 1; ; attempt++) {
            Path part = jar.resolveSibling(jar.getFileName() + ".part");
            try {
                String digest = download(url, part);
                if (url.getRef() != null && !url.getRef().equals(digest)) {
                    fail(address + " has the SHA-256 digest " + digest + " instead of " + url.getRef());
                }
                Files.move(part, jar, StandardCopyOption.ATOMIC_MOVE);
                System.out.println("fetched " + address + ", SHA-256 " + digest);
                return;
            } catch (IOException error) {
                System.err.println("attempt " + attempt + " of " + ATTEMPTS + ": " + address + ": " + error);
                if (attempt == ATTEMPTS || String.valueOf(error.getMessage()).startsWith("HTTP status 4")) {
                    fail("cannot download " + address + ": " + error);
                }
                Thread.sleep(attempt * 2_000L);
            }
        }
    }

    private static void fail(String message) {
        System.err.println(message);
        System.exit(1);
    }

    /** Returns the SHA-256 digest. */
    private static String download(URL url, Path file) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        connection.setConnectTimeout(TIMEOUT_MILLISECONDS);
        connection.setReadTimeout(TIMEOUT_MILLISECONDS);
        int status = connection.getResponseCode();
        if (status != 200) {
            throw new IOException("HTTP status " + status);
        }
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        long expected = connection.getContentLengthLong();
        long length = 0;
        try (InputStream input = connection.getInputStream(); OutputStream output = Files.newOutputStream(file)) {
            byte[] buffer = new byte[1 << 16];
            for (int count = input.read(buffer); count >= 0; count = input.read(buffer)) {
                sha256.update(buffer, 0, count);
                output.write(buffer, 0, count);
                length += count;
            }
        }
        if (expected >= 0 && length != expected) {
            throw new IOException("received " + length + " of " + expected + " bytes");
        }
        StringBuilder digest = new StringBuilder();
        for (byte value : sha256.digest()) {
            digest.append(String.format("%02x", value));
        }
        return digest.toString();
    }
}
