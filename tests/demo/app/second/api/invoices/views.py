"""The routes of the API."""

import requests
from flask import (
    Blueprint,
    current_app,
    jsonify,
    redirect,
    render_template_string,
    request,
    send_file,
    send_from_directory,
)
from markupsafe import Markup

from invoices import db, exports, spool

blueprint = Blueprint("invoices", __name__)
ATTACHMENTS = "/srv/attachments"


def database():
    """The request's database connection."""
    return db.connect(current_app.config["DATABASE"])


def own_path(target):
    """The path if it is one of ours, else the start page."""
    return target if target.startswith("/") and target[1:2] not in ("/", "\\") else "/"


@blueprint.get("/invoices/<number>")
def show_invoice(number):
    """One invoice, as JSON."""
    row = db.find_invoice(database(), number)
    if row is None:
        return jsonify(error="no such invoice"), 404
    return jsonify(dict(row))


@blueprint.get("/customers/<int:customer_id>/invoices")
def list_invoices(customer_id):
    """A customer's invoices."""
    order = request.args.get("order", "due_on")
    return jsonify([dict(row) for row in db.invoices_of(database(), customer_id, order)])


@blueprint.get("/attachments")
def attachment():
    """A file that belongs to an invoice."""
    name = request.args["name"]
    return send_from_directory(ATTACHMENTS, name)


@blueprint.post("/attachments")
def add_attachment():
    """Keep an uploaded file."""
    upload = request.files["file"]
    return jsonify(stored=spool.store(upload.filename, upload.read())), 201


@blueprint.get("/logo")
def logo():
    """The customer's logo, fetched from where they say it is."""
    url = request.args["url"]
    answer = requests.get(url, timeout=5)
    return answer.content, 200, {"Content-Type": answer.headers.get("Content-Type", "image/png")}


@blueprint.get("/login/done")
def login_done():
    """Back to where the user came from."""
    return redirect(own_path(request.args.get("next", "/")))


@blueprint.get("/preview")
def preview():
    """How a note will look on the invoice."""
    note = request.args.get("note", "")
    return render_template_string("<p class='note'>{{ note }}</p>", note=note)


@blueprint.get("/badge/<label>")
def badge(label):
    """A small coloured label for the overview."""
    colour = request.args.get("colour", "green")
    return Markup("<span style='color:{}'>{}</span>").format(colour, label)


@blueprint.post("/exports")
def export():
    """The whole year for the tax adviser."""
    rows = db.invoices_of(database(), int(request.form["customer"]))
    return send_file(exports.bundle([dict(row) for row in rows]))


@blueprint.errorhandler(Exception)
def failed(error):
    """Say what went wrong."""
    return jsonify(error=repr(error), trace=str(error.__traceback__)), 500
