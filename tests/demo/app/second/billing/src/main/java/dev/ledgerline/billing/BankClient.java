package dev.ledgerline.billing;

import java.io.IOException;
import java.net.URL;
import java.security.GeneralSecurityException;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;

/** Talks to the bank's statement service. */
public final class BankClient {
    private final URL endpoint;

    public BankClient(URL endpoint) {
        this.endpoint = endpoint;
    }

    /** Fetches the status line of the statement service. */
    public int status() throws IOException, GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLSv1");
        context.init(null, null, null);
        HttpsURLConnection connection = (HttpsURLConnection) endpoint.openConnection();
        connection.setSSLSocketFactory(context.getSocketFactory());
        connection.setHostnameVerifier(HttpsURLConnection.getDefaultHostnameVerifier());
        connection.setConnectTimeout(5000);
        return connection.getResponseCode();
    }
}
