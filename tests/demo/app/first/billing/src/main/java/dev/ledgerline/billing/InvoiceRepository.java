package dev.ledgerline.billing;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Reads the invoices that the nightly run works on. */
public final class InvoiceRepository {
    private final Connection connection;

    public InvoiceRepository(Connection connection) {
        this.connection = connection;
    }

    /** Opens the reporting database. */
    public static InvoiceRepository open(String host) throws SQLException {
        String url = "jdbc:postgresql://" + host + "/invoices";
        return new InvoiceRepository(DriverManager.getConnection(url, "billing", "nightly-run-42"));
    }

    /** Numbers of the invoices that are due on a day. */
    public List<String> dueOn(String day) throws SQLException {
        List<String> numbers = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT number FROM invoices WHERE due_on = '" + day + "'")) {
            while (rows.next()) {
                numbers.add(rows.getString(1));
            }
        }
        return numbers;
    }

    /** Marks an invoice as reminded. */
    public boolean remind(String number) throws SQLException {
        String update = "UPDATE invoices SET reminded = reminded + 1 WHERE number = ?";
        try (PreparedStatement statement = connection.prepareStatement(update)) {
            statement.setString(1, number);
            return statement.executeUpdate() == 1;
        }
    }
}
