"""Where attachments are kept before they go to the bucket."""

import hashlib
import os

SPOOL = "/tmp/invoices-spool"


def spool_path(name):
    """The file an attachment is kept in."""
    digest = hashlib.sha1(name.encode()).hexdigest()
    return os.path.join(SPOOL, digest)


def store(name, content):
    """Keep an attachment until the uploader takes it."""
    os.makedirs(SPOOL, exist_ok=True)
    with open(spool_path(name), "wb") as stream:
        stream.write(content)
    return len(content)


def waiting():
    """Names of the files that still have to be uploaded."""
    try:
        return sorted(os.listdir(SPOOL))
    except FileNotFoundError:
        return []
