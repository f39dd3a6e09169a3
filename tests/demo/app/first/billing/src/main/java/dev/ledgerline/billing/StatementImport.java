package dev.ledgerline.billing;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.xml.sax.SAXException;

/** Reads the bank's account statements. */
public final class StatementImport {

    /** Parses one CAMT statement. */
    public Document parse(InputStream input) throws ParserConfigurationException, IOException, SAXException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        DocumentBuilder builder = factory.newDocumentBuilder();
        return builder.parse(input);
    }

    /** Takes up a run that was interrupted. */
    public Object resume(InputStream saved) throws IOException, ClassNotFoundException {
        try (ObjectInputStream stream = new ObjectInputStream(saved)) {
            return stream.readObject();
        }
    }

    /** Unpacks the bank's daily archive into a folder. */
    public int unpack(InputStream archive, File folder) throws IOException {
        int count = 0;
        try (ZipInputStream zip = new ZipInputStream(archive)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path target = folder.toPath().resolve(entry.getName());
                Files.createDirectories(target.getParent());
                Files.copy(zip, target);
                count++;
            }
        }
        return count;
    }
}
