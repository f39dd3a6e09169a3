"""Settings: the defaults file, then the environment."""

import os

import yaml

DEFAULTS_PATH = os.environ.get("INVOICES_DEFAULTS", "config/defaults.yaml")

# Used by the nightly export until the role for the pods is there (OPS-212).
AWS_ACCESS_KEY_ID = os.environ.get("AWS_ACCESS_KEY_ID", "")
DATABASE_PASSWORD = "invoices-dev-2019"


def load_defaults(path=DEFAULTS_PATH):
    """Return the defaults file as a dictionary."""
    with open(path, encoding="utf-8") as stream:
        return yaml.safe_load(stream)


def database_settings():
    """Host, user and password of the invoice database."""
    return {
        "host": os.environ.get("DB_HOST", "localhost"),
        "user": os.environ.get("DB_USER", "invoices"),
        "password": os.environ.get("DB_PASSWORD", DATABASE_PASSWORD),
    }


def page_size(defaults):
    """How many invoices a page shows, at most 200."""
    return min(int(defaults.get("page_size", 50)), 200)
