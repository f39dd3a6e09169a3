package dev.ledgerline.billing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.logging.Logger;

/** Serves the nightly reports inside the cluster. */
public final class ReportServer {
    private static final Logger LOGGER = Logger.getLogger(ReportServer.class.getName());
    private static final File REPORTS = new File("/srv/reports");

    /** Starts the server and returns it. */
    public HttpServer start(int port) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/report", this::report);
        server.createContext("/hello", this::hello);
        server.start();
        return server;
    }

    private void report(HttpExchange exchange) throws IOException {
        String name = exchange.getRequestURI().getQuery();
        File file = new File(REPORTS, name);
        LOGGER.info("report asked for: " + name);
        byte[] content = Files.readAllBytes(file.toPath());
        exchange.sendResponseHeaders(200, content.length);
        exchange.getResponseBody().write(content);
        exchange.close();
    }

    private void hello(HttpExchange exchange) throws IOException {
        String who = exchange.getRequestURI().getQuery();
        byte[] page = ("<h1>Hello " + who + "</h1>").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/html");
        exchange.sendResponseHeaders(200, page.length);
        exchange.getResponseBody().write(page);
        exchange.close();
    }

    /** Renders a report with the external tool. */
    public Process render(String month) throws IOException {
        return new ProcessBuilder("report-tool", "--month", month).start();
    }
}
