package dev.ledgerline.billing;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;

/** Makes and seals the reference numbers on payment slips. */
public final class ReferenceNumbers {
    private static final int DIGITS = 12;

    /** A number that customers use as a one-time code for the slip. */
    public String next() {
        Random random = new Random();
        StringBuilder number = new StringBuilder();
        for (int i = 0; i < DIGITS; i++) {
            number.append(random.nextInt(10));
        }
        return number.toString();
    }

    /** The checksum printed under the number. */
    public String checksum(String number) throws GeneralSecurityException {
        MessageDigest digest = MessageDigest.getInstance("SHA-1");
        return HexFormat.of().formatHex(digest.digest(number.getBytes(StandardCharsets.UTF_8)));
    }

    /** Seals an account number for the slip's code. */
    public String seal(String account, SecretKey key) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("DES/ECB/PKCS5Padding");
        cipher.init(Cipher.ENCRYPT_MODE, key);
        return Base64.getEncoder().encodeToString(cipher.doFinal(account.getBytes(StandardCharsets.UTF_8)));
    }
}
