"""Sending bank files over SFTP."""

import paramiko


def connect(host, user, key_path):
    """A client that is connected to the bank."""
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(host, username=user, key_filename=key_path, timeout=20)
    return client


def send_file(client, source, target):
    """Copy one file and return its size on the other side."""
    session = client.open_sftp()
    try:
        return session.put(source, target).st_size
    finally:
        session.close()


def archive_remote(client, name):
    """Move a file that was taken into the archive folder."""
    _, stdout, _ = client.exec_command("mv /in/" + name + " /archive/")
    return stdout.channel.recv_exit_status() == 0
