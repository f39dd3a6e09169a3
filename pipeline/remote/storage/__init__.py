"""Where a remote run keeps what outlives a machine: a folder, a bucket, or the worker's disk behind ssh."""
