"""Reminders and receipts by mail."""

import smtplib
from email.message import EmailMessage

from jinja2 import Template

SENDER = "billing@ledgerline.example"


def reminder(invoice, body):
    """The reminder for an invoice, from the customer's own template."""
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = invoice["email"]
    message["Subject"] = f"Invoice {invoice['number']} is due"
    message.set_content(Template(body).render(invoice=invoice))
    return message


def send(message, host, user, password):
    """Hand one message to the relay."""
    with smtplib.SMTP(host, 587, timeout=15) as relay:
        relay.starttls()
        relay.login(user, password)
        relay.send_message(message)
