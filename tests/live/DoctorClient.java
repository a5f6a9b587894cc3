import java.io.FileInputStream;
import java.security.KeyStore;
import javax.net.ssl.*;

/** GET of /1.aspx with Java's own TLS, which chooses its certificate by the names that the server sends. */
public class DoctorClient {
    public static void main(String[] arguments) throws Exception {
        char[] password = arguments[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(arguments[0]), password);
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, password);
        TrustManager trusting = new X509ExtendedTrustManager() {
            public void checkClientTrusted(java.security.cert.X509Certificate[] chain, String kind) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] chain, String kind) {}
            public void checkClientTrusted(java.security.cert.X509Certificate[] c, String k, java.net.Socket s) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] c, String k, java.net.Socket s) {}
            public void checkClientTrusted(java.security.cert.X509Certificate[] c, String k, SSLEngine e) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] c, String k, SSLEngine e) {}
            public java.security.cert.X509Certificate[] getAcceptedIssuers() { return null; }
        };
        SSLContext context = SSLContext.getInstance("TLSv1.2");
        context.init(keys.getKeyManagers(), new TrustManager[] {trusting}, null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("10.10.10.15", 443)) {
            socket.setEnabledCipherSuites(new String[] {"TLS_RSA_WITH_AES_128_CBC_SHA"});
            socket.startHandshake();
            socket.getOutputStream().write(
                "GET /1.aspx HTTP/1.1\r\nHost: 10.10.10.15\r\nConnection: close\r\n\r\n".getBytes());
            System.out.print(new String(socket.getInputStream().readAllBytes()));
        } catch (SSLException failed) {
            System.out.println(failed);
        }
    }
}
