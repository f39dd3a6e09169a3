"""Invoices as PDF."""

import subprocess

from jinja2 import Environment, FileSystemLoader

PAPER = {"A4": ("210mm", "297mm"), "Letter": ("216mm", "279mm")}


def template_environment(folder):
    """The templates of the printed invoice."""
    return Environment(loader=FileSystemLoader(folder), autoescape=True)


def render(html_path, pdf_path, paper="A4"):
    """Turn a page into a PDF."""
    command = ["wkhtmltopdf", "--page-size", paper, html_path, pdf_path]
    subprocess.run(command, check=True)
    return pdf_path


def merge(parts, target):
    """Join several PDFs into one."""
    subprocess.run(["pdfunite", *parts, target], check=True)
    return target


def page_count(pdf_path):
    """How many pages a PDF has."""
    output = subprocess.check_output(["pdfinfo", pdf_path], text=True)
    for line in output.splitlines():
        if line.startswith("Pages:"):
            return int(line.split(":")[1])
    return 0
