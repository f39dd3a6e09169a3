package dev.ledgerline.billing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;

/** The container's health check: is the report server's port open? */
public final class Ping {
    private Ping() {}

    public static void main(String[] arguments) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), 8090)) {
            System.out.println("open: " + socket.getPort());
        }
    }
}
