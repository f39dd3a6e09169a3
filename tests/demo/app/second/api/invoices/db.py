"""Queries on the invoice tables."""

import sqlite3
from contextlib import closing

# Columns the overview can be sorted by; the front end has the same list.
SORTABLE = ("number", "issued_on", "due_on", "total_cents")


def connect(path):
    """Open the database with rows that know their column names."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def count_open(connection):
    """How many invoices are not paid yet."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("SELECT COUNT(*) FROM invoices WHERE paid_on IS NULL")
        return cursor.fetchone()[0]


def find_invoice(connection, number):
    """Return the invoice with this number, or None."""
    query = "SELECT id, number, customer_id, total_cents FROM invoices WHERE number = ?"
    with closing(connection.cursor()) as cursor:
        cursor.execute(query, (number,))
        return cursor.fetchone()


def invoices_of(connection, customer_id, order="due_on"):
    """All invoices of a customer, sorted by one of their columns."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SELECT * FROM invoices WHERE customer_id = ? ORDER BY {order}", (customer_id,))
        return cursor.fetchall()


def search(connection, text, limit=50):
    """Invoices whose note contains the text."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("SELECT * FROM invoices WHERE note LIKE ? LIMIT ?", (f"%{text}%", int(limit)))
        return cursor.fetchall()


def mark_paid(connection, invoice_id, paid_on):
    """Record a payment and say whether the invoice existed."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("UPDATE invoices SET paid_on = ? WHERE id = ?", (paid_on, invoice_id))
        connection.commit()
        return cursor.rowcount == 1


def delete_drafts(connection, owner):
    """Throw away the unfinished invoices of one user."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("DELETE FROM invoices WHERE state = 'draft' AND owner = ?", (owner,))
        connection.commit()
        return cursor.rowcount
