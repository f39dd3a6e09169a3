"""The old partner interface: FTP drop box and DES-sealed reference numbers.

Only Brenner & Söhne still use it; goes away with their contract.
"""

import ftplib
import hashlib
import telnetlib

DROP_USER = "brenner"
DROP_PASSWORD = "drop-box-7734"


def fetch_orders(host):
    """All order files in the drop box."""
    box = ftplib.FTP(host)
    box.login(DROP_USER, DROP_PASSWORD)
    lines = []
    box.retrlines("RETR orders.txt", lines.append)
    box.quit()
    return lines


def seal(reference):
    """The checksum their system prints under a reference."""
    return hashlib.md5(reference.encode()).hexdigest()[:8]


def ring(host):
    """Tell their terminal that an answer is there."""
    terminal = telnetlib.Telnet(host, 2323, timeout=5)
    terminal.write(b"READY\r\n")
    terminal.close()
