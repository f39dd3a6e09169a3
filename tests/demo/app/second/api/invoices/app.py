"""The Flask application: wiring only, the routes are in views.py."""

import os

from flask import Flask, jsonify

from invoices import __version__
from invoices.settings import load_defaults
from invoices.views import blueprint

PORTAL_ORIGIN = os.environ.get("PORTAL_ORIGIN", "https://invoices.ledgerline.example")


def create_app():
    """Build the application with its settings and routes."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ["SESSION_KEY"]
    app.config["SESSION_COOKIE_SECURE"] = False
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    app.config["DEFAULTS"] = load_defaults()
    app.register_blueprint(blueprint)

    @app.after_request
    def allow_portal(response):
        """The portal is served from another host."""
        response.headers["Access-Control-Allow-Origin"] = PORTAL_ORIGIN
        response.headers["X-Api-Version"] = __version__
        return response

    @app.get("/health")
    def health():
        return jsonify(status="ok", version=__version__)

    return app


app = create_app()

if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8080"))
    app.run(host="0.0.0.0", port=port, debug=False)
