"""Bundles for the tax adviser, and unpacking what comes back."""

import csv
import os
import tarfile
import tempfile
import zipfile

EXPORT_FIELDS = ("number", "issued_on", "total_cents")


def write_csv(rows, path):
    """Write invoices as CSV, one a line."""
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, EXPORT_FIELDS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def bundle(rows):
    """A zip with the export, and where it was put."""
    name = tempfile.mktemp(suffix=".csv")
    write_csv(rows, name)
    target = name + ".zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(name, "invoices.csv")
    os.unlink(name)
    return target


def unpack_return(path, folder):
    """Unpack the adviser's answer and list its files."""
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    return sorted(os.listdir(folder))


def publish(path):
    """Let the web server's user read a finished bundle."""
    os.chmod(path, 0o640)
    return os.stat(path).st_size
