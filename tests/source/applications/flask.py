"""Two applications of Flask, written to be hard to read by rule."""

from __future__ import annotations

APPLICATIONS = [
    (
        {
        'app/__init__.py': """from flask import Flask
def create_app():
    app = Flask(__name__)
    from app.auth import bp as auth_bp
    app.register_blueprint(auth_bp)
    from .api import api_bp
    app.register_blueprint(api_bp, url_prefix='/api/v2')
    from . import pages
    app.register_blueprint(pages.bp)
    return app
""",
        'app/auth/__init__.py': """from flask import Blueprint
bp = Blueprint('auth', __name__, url_prefix='/auth')
from app.auth import routes
""",
        'app/auth/routes.py': """from app.auth import bp
from flask import request

@bp.route('/login', methods=('GET', 'POST'))
def login():
    return 'LOGIN'

@bp.route("/reset/<token>",
          methods=["POST"])
@limiter.limit("1/s")
def reset(token):
    return 'RESET'
""",
        'app/api.py': """from flask import Blueprint
from flask.views import MethodView
from app.orders import orders_bp
api_bp: Blueprint = Blueprint('api', __name__, url_prefix='/overridden')
api_bp.register_blueprint(orders_bp, url_prefix="/orders")

class ItemAPI(MethodView):
    init_every_request = False
    def get(self, id):
        return 'ITEMGET'
    def patch(self, id):
        return 'ITEMPATCH'

api_bp.add_url_rule('/items/<int:id>', view_func=ItemAPI.as_view('item'))
api_bp.add_url_rule("/plain", "plain", plain, methods=["POST"])
def plain():
    return 'PLAIN'
""",
        'app/orders.py': """from flask import Blueprint
orders_bp = Blueprint("orders", __name__)
@orders_bp.route("/")
@orders_bp.route("/all")
def all():
    return 'ORDERALL'
@orders_bp.delete("/<uuid:o>/lines/<path:rest>")
def lines(o, rest):
    return 'ORDERLINES'
""",
        'app/pages.py': """from flask import Blueprint
bp = Blueprint('pages', __name__)
# @bp.route('/commented')
def commented(): return 'COMMENTED'
DOC = '''
@bp.route('/docs')
def docs(): pass
'''
@bp.route('/')
def home(): return 'HOME'
@bp.route(rule='/about')
def about(): return 'ABOUT'
@bp.route('/x/<any(a,b):k>')
def anyk(k): return 'ANYK'
""",
        'app/rest.py': """from flask_restful import Resource, Api
api = Api(app)
class Todo(Resource):
    def get(self, i):
        return 'TODOGET'
    def put(self, i):
        return 'TODOPUT'
api.add_resource(Todo, '/todos/<int:i>', '/t/<int:i>')
""",
        'app/x.py': """from flask_restx import Namespace, Resource
ns = Namespace('cats', path='/cats')
@ns.route('/<id>')
class Cat(Resource):
    @ns.doc('x')
    def get(self, id):
        return 'CATGET'
    def delete(self, id):
        return 'CATDEL'
""",
        },
        [
            ('GET', '/auth/login', 'LOGIN'),
            ('POST', '/auth/reset/abc', 'RESET'),
            ('GET', '/login', None),
            ('GET', '/api/v2/items/3', 'ITEMGET'),
            ('PATCH', '/api/v2/items/3', 'ITEMPATCH'),
            ('POST', '/api/v2/plain', 'PLAIN'),
            ('GET', '/api/v2/orders', 'ORDERALL'),
            ('GET', '/api/v2/orders/all', 'ORDERALL'),
            ('DELETE', '/api/v2/orders/1/lines/a/b', 'ORDERLINES'),
            ('GET', '/overridden/items/3', None),
            ('GET', '/commented', None),
            ('GET', '/docs', None),
            ('GET', '/', 'HOME'),
            ('GET', '/about', 'ABOUT'),
            ('GET', '/x/a', 'ANYK'),
            ('GET', '/todos/3', 'TODOGET'),
            ('PUT', '/t/3', 'TODOPUT'),
            ('GET', '/cats/3', 'CATGET'),
            ('DELETE', '/cats/3', 'CATDEL'),
            ('OPTIONS', '/auth/login', None),
            ('HEAD', '/about', 'ABOUT'),
        ],
    ),
    (
        {
        'wsgi.py': """from shop import create_app
app = create_app()
@app.get("/wsgi")
def wsgi(): return "WSGI"
""",
        'shop/__init__.py': """import flask
from shop.blueprints import BLUEPRINTS
from shop.views import admin as admin_views
def create_app(config=None):
    app = flask.Flask(__name__)
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    app.register_blueprint(admin_views.admin, url_prefix=f"{config.ROOT}/admin")
    @app.route("/inner")
    def inner():
        return "INNER"
    @app.errorhandler(404)
    def nf(e): return "NF"
    return app
""",
        'shop/blueprints.py': """from shop.views.cart import cart
BLUEPRINTS = [cart]
""",
        'shop/views/__init__.py': '',
        'shop/views/cart.py': """import flask
from .base import login_required
cart = flask.Blueprint("cart", __name__, url_prefix="/cart")
class Lines(flask.views.MethodView):
    decorators = [login_required]
    def post(self): return "LINESPOST"
cart.add_url_rule("/lines/", view_func=Lines.as_view("lines"))
@cart.route("/<int:i>/", methods=["PUT"])
@cart.route("/by-id/<int:i>", methods={"PUT"})
@login_required
def put(i):
    return "CARTPUT"
@cart.before_request
def b(): pass
""",
        'shop/views/admin.py': """from flask import Blueprint
admin = Blueprint("admin", __name__)
@admin.get("/users")
async def users(): return "ADMINUSERS"
""",
        },
        [
            ('GET', '/wsgi', 'WSGI'),
            ('GET', '/inner', 'INNER'),
            ('PUT', '/cart/3/', 'CARTPUT'),
            ('PUT', '/cart/by-id/3', 'CARTPUT'),
            ('POST', '/cart/lines/', 'LINESPOST'),
            ('GET', '/cart/lines/', None),
            ('GET', '/root/admin/users', 'ADMINUSERS'),
            ('GET', '/cart/3/', None),
        ],
    ),
]  # fmt: skip
