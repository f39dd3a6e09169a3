# ruff: noqa: E501
"""URLs to handlers, for every framework that is read; what no route answers is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Domain, UrlLocation
from pipeline.source.folder import FolderTree
from pipeline.source.routes.interface import Files
from pipeline.source.routes.match import match_url
from pipeline.source.routes.table import READERS, routes_of
from tests.source.test_locate import locate
from tests.source.trees import finding_at, write_files

APPLICATIONS: dict[str, dict[str, str]] = {
    "express": {
        "src/app.js": "const express = require('express');\nconst users = require('./routes/users');\nconst app = express();\n"
        "app.use('/api/users', users);\napp.use('/api/v2', require('./routes/v2'));\n"
        "app.get(['/up', '/alive'], (req, res) => res.send(1)); // UP\nconst { seen } = require('./users-controller');\napp.get('/seen', seen);\n"
        "app.get('/health', (req, res) => {\n  res.send('ok');\n});\napp.post('/login', login);\n"
        "function login(req, res) {\n  res.end(); // LOGIN\n}\n",
        "src/routes/users.js": "const router = require('express').Router();\nconst ctrl = require('../users-controller');\n"
        "router.get('/:id', ctrl.show);\nrouter.route('/').get(ctrl.list).post((req, res) => { create(req); });\nmodule.exports = router;\n",
        "src/users-controller.js": "exports.show = (req, res) => {\n  db.query(req.params.id); // SHOW\n};\nexports.list = (req, res) => {\n  res.end(); // LIST\n};\nexports.seen = (req, res) => {\n  res.end(); // SEEN\n};\n",
        "src/routes/v2.js": "import { Router } from 'express';\nconst r = Router();\nr.delete('/items/:item', async (req, res) => {\n  remove(req); // REMOVE\n});\nexport default r;\n",
    },
    "fastify": {
        "app.ts": "import Fastify from 'fastify';\nimport orders from './orders.js';\nconst fastify = Fastify();\n"
        "fastify.register(orders, { prefix: '/orders' });\nfastify.route({\n  method: 'PUT',\n  url: '/things/:id',\n  handler: async () => { put(); }, // PUT\n});\n"
        "fastify.route({ method: ['GET', 'HEAD'], url: '/cart', handler: cart });\nasync function cart() {\n  return 1; // CART\n}\n",
        "orders.ts": "export default async function (fastify) {\n  fastify.get('/:id/lines', async (request) => {\n    return find(request); // LINES\n  });\n}\n",
    },
    "flask": {
        "shop/__init__.py": "from flask import Flask\nfrom shop.views import bp\napp = Flask(__name__)\napp.register_blueprint(bp, url_prefix='/shop')\n",
        "shop/views.py": "from flask import Blueprint\nbp = Blueprint('shop', __name__)\n\n@bp.route('/item/<int:number>', methods=['GET', 'POST'])\n@login_required\ndef item(number):\n    return run(number)  # ITEM\n\n"
        "@bp.get('/')\ndef index():\n    return ''  # INDEX\n",
    },
    "fastapi": {
        "main.py": "from fastapi import FastAPI\nfrom api.users import router as users\napp = FastAPI()\napp.include_router(users, prefix='/v1')\n\n@app.get('/ping')\nasync def ping():\n    return 1  # PING\n",
        "api/users.py": "from fastapi import APIRouter\nrouter = APIRouter(prefix='/users', tags=['u'])\n\n@router.post(\n    '/{user}/mail',\n    status_code=201,\n)\nasync def mail(user: str):\n    send(user)  # MAIL\n",
    },
    "django": {
        "site/urls.py": "from django.urls import include, path\nfrom blog import views as pages\nurlpatterns = [\n    path('blog/', include('blog.urls')),\n    path('old/<int:pk>', pages.post),\n]\n",
        "blog/urls.py": "from django.urls import path, re_path\nfrom . import views\nfrom .views import Edit\nurlpatterns = [\n    path('own/<int:pk>/', Edit.as_view()),\n    path('post/<int:pk>/', views.post, name='p'),\n    re_path(r'^archive/(?P<year>[0-9]{4})/$', views.archive),\n    path('edit/<int:pk>/', views.Edit.as_view()),\n]\n",
        "blog/views.py": "def post(request, pk):\n    return x(pk)  # POST\n\ndef archive(request, year):\n    return y(year)  # ARCHIVE\n\nclass Edit(View):\n    def get(self, request, pk):\n        return z  # EDITGET\n\n    def post(self, request, pk):\n        return z  # EDITPOST\n",
    },
    "spring": {
        "src/A.java": 'package a;\n@RestController\n@RequestMapping("/api/accounts")\npublic class A {\n  @GetMapping(value = "/{id}", produces = "application/json")\n  @PreAuthorize("x")\n  public B get(@PathVariable String id) {\n    return find(id); // GET\n  }\n\n  @RequestMapping(path = "/search", method = RequestMethod.POST)\n  B search() { return null; } // SEARCH\n\n  @DeleteMapping\n  void clear() { all(); } // CLEAR\n}\n',
    },
    "ktor": {
        "App.kt": 'import io.ktor.server.routing.*\nfun Application.module() {\n  routing {\n    route("/api") {\n      get("/users/{id}") {\n        call.respond(find("{")) // USER\n      }\n      route("/admin") {\n        delete("/all") { clear() } // CLEAR\n      }\n    }\n    post("/login") {\n      login() // LOGIN\n    }\n  }\n}\n',
    },
    "rails": {
        "config/routes.rb": "Rails.application.routes.draw do\n  root 'home#index'\n  get '/about', to: 'home#about'\n  namespace :admin do\n    resources :orders, only: [:index, :show] do\n      member do\n        post :cancel\n      end\n      collection do\n        get :late\n      end\n    end\n  end\n  scope '/api' do\n    resources :items\n  end\nend\n",
        "app/controllers/home_controller.rb": "class HomeController\n  def index\n    1 # HOME\n  end\n\n  def about\n    2 # ABOUT\n  end\nend\n",
        "app/controllers/admin/orders_controller.rb": "class Admin::OrdersController\n  def show\n    Order.find(params[:id]) # SHOW\n  end\n\n  def cancel\n    stop # CANCEL\n  end\n\n  def late\n    3 # LATE\n  end\nend\n",
        "app/controllers/items_controller.rb": "class ItemsController\n  def update\n    4 # UPDATE\n  end\nend\n",
    },
}
ASKED = [
    ("express", "GET", "/health", "ok"), ("express", "POST", "/login", "LOGIN"), ("express", "GET", "/api/users/7", "SHOW"),
    ("express", "GET", "/api/users", "LIST"), ("express", "POST", "/api/users", "create"), ("express", "DELETE", "/api/v2/items/3", "REMOVE"),
    ("express", "GET", "/alive", "UP"), ("express", "GET", "/seen", "SEEN"), ("fastify", "HEAD", "/cart", "CART"),
    ("fastify", "GET", "/orders/5/lines", "LINES"), ("fastify", "PUT", "/things/1", "PUT"),
    ("flask", "POST", "/shop/item/3?x=1", "ITEM"), ("flask", "GET", "/shop/", "INDEX"),
    ("fastapi", "POST", "/v1/users/bob/mail", "MAIL"), ("fastapi", "GET", "/ping", "PING"),
    ("django", "GET", "/blog/post/3/", "POST"), ("django", None, "/blog/archive/2024/", "ARCHIVE"),
    ("django", "POST", "/old/4", "POST"), ("django", "POST", "/blog/own/4/", "EDITPOST"),
    ("django", "GET", "/blog/edit/1/", "EDITGET"), ("django", "POST", "/blog/edit/1/", "EDITPOST"),
    ("spring", "GET", "/api/accounts/9", "GET"), ("spring", "POST", "/api/accounts/search", "SEARCH"), ("spring", "DELETE", "/api/accounts", "CLEAR"),
    ("spring", "GET", "/context/api/accounts/9", "GET"),
    ("ktor", "GET", "/api/users/9", "USER"), ("ktor", "DELETE", "/api/admin/all", "CLEAR"), ("ktor", "POST", "/login", "LOGIN"),
    ("rails", "GET", "/", "HOME"), ("rails", "GET", "/about", "ABOUT"), ("rails", "GET", "/admin/orders/4", "SHOW"),
    ("rails", "POST", "/admin/orders/4/cancel", "CANCEL"), ("rails", "GET", "/admin/orders/late", "LATE"), ("rails", "PATCH", "/api/items/2", "UPDATE"),
]  # fmt: skip


@pytest.mark.parametrize(("framework", "method", "url", "marker"), ASKED)
def test_a_url_leads_to_its_handler(tmp_path: Path, framework: str, method: str | None, url: str, marker: str) -> None:
    source = write_files(tmp_path / "src", APPLICATIONS[framework])
    location = UrlLocation(url=f"http://localhost:8080{url}", method=method)
    finding = finding_at("", None, domain=Domain.DAST, location=location)
    counts, excerpts, _ = locate(tmp_path, [finding], source)
    (excerpt,) = excerpts
    shown = excerpt.text.split("\n")
    start = excerpt.flagged[0] - excerpt.start_line
    assert any(marker in line for line in shown[start : start + 4]), excerpt
    assert 0.3 <= excerpt.confidence < 1
    assert counts["inferred"] == 1


@pytest.mark.parametrize("framework", APPLICATIONS)
@pytest.mark.parametrize(("method", "url"), [("GET", "/static/logo.png"), ("DELETE", "/health"), ("GET", "/api")])
def test_a_url_no_route_answers_says_so(tmp_path: Path, framework: str, method: str, url: str) -> None:
    source = write_files(tmp_path / "src", APPLICATIONS[framework])
    location = UrlLocation(url=f"http://localhost{url}", method=method)
    counts, excerpts, _ = locate(tmp_path, [finding_at("", None, location=location)], source)
    assert (excerpts, counts["reasons"]) == ([], {"no_route_answers_the_url": 1})


def test_a_source_without_routes_says_so(tmp_path: Path) -> None:
    source = write_files(tmp_path / "src", {"a.py": "x = 1\n"})
    counts, _, _ = locate(tmp_path, [finding_at("", None, location=UrlLocation(url="http://a/b"))], source)
    assert counts["reasons"] == {"no_routes_in_the_source": 1}


def test_a_literal_is_surer_than_a_parameter_and_two_answers_are_less_sure(tmp_path: Path) -> None:
    text = "from flask import Flask\n@app.get('/a/<x>')\ndef one(x): pass\n@app.get('/a/b')\ndef two(): pass\n"
    routes = routes_of(FolderTree(write_files(tmp_path, {"a.py": text})))
    exact, parameter = match_url("http://h/a/b", "GET", routes), match_url("http://h/a/c", "GET", routes)
    assert exact is not None and parameter is not None
    assert (exact.route.line, parameter.route.line) == (5, 3) and exact.confidence > parameter.confidence
    again = match_url("http://h/a/b", "GET", [*routes, *routes_of(FolderTree(write_files(tmp_path, {"b.py": text})))])
    assert again is not None and again.confidence < exact.confidence


@given(st.lists(st.sampled_from(["app.get('/", "'", ")", "{", "}", "route(", "\"", "@app.get(", "def x", "\n", "do", "end", "resources :a", "@GetMapping(\"/a\")", "class A", "path('a', ", "include('a.urls')", "namespace :a do"]), max_size=25))  # fmt: skip
def test_no_text_breaks_a_reader(parts: list[str]) -> None:
    text = " ".join(parts)
    names = ("a.js", "urls.py", "A.java", "A.kt", "config/routes.rb")
    files = Files(dict.fromkeys(names, f"express fastapi ktor urlpatterns {text}"))
    for reader in READERS:
        reader(files)


def test_a_package_whose_report_names_no_file_is_found_in_the_one_manifest(tmp_path: Path) -> None:
    from pipeline.records import PackageLocation

    source = write_files(
        tmp_path / "src", {"api/requirements.txt": "flask==1.0\nrequests==2.0\n", "README.md": "flask"}
    )
    finding = finding_at("", None, location=PackageLocation(ecosystem="PyPI", name="Requests", version="2.0"))
    _, (excerpt,), _ = locate(tmp_path, [finding], source)
    assert (excerpt.path, excerpt.flagged, excerpt.text) == ("api/requirements.txt", (2, 2), "requests==2.0\n")
