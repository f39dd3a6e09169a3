"""Two applications of Fastapi, written to be hard to read by rule."""

from __future__ import annotations

APPLICATIONS = [
    (
        {
        'main.py': """from fastapi import FastAPI, Depends
from app.api.api_v1.api import api_router
from app.core.config import settings
import app.routers.items as items
app = FastAPI(title="x")
app.include_router(api_router, prefix=settings.API_V1_STR)
app.include_router(
    items.router,
    dependencies=[Depends(get_token)],
    prefix="/admin",
)
sub = FastAPI()
@sub.get("/hello")
def hello(): return 'SUBHELLO'
app.mount("/sub", sub)
@app.get("/files/{file_path:path}")
async def read_file(file_path: str):
    return 'FILES'
@app.websocket("/ws")
async def ws(w): return 'WS'
""",
        'app/api/api_v1/api.py': """from fastapi import APIRouter
from app.api.api_v1.endpoints import users, login
api_router = APIRouter()
api_router.include_router(login.router, tags=["login"])
api_router.include_router(users.router, prefix="/users", tags=["users"])
""",
        'app/api/api_v1/endpoints/users.py': """from fastapi import APIRouter, Depends
router = APIRouter(dependencies=[Depends(auth)], prefix="")
@router.get("/", response_model=List[User])
def read_users(db = Depends(get_db)):
    return 'READUSERS'
@router.put("/{user_id}", response_model=User)
def update(
    user_id: int,
) -> Any:
    return 'UPDATEUSER'
""",
        'app/api/api_v1/endpoints/login.py': """from fastapi import APIRouter
router = APIRouter()
@router.post("/login/access-token")
def login_access_token():
    return 'TOKEN'
""",
        'app/routers/items.py': """from fastapi import APIRouter, Depends
router = APIRouter(
    dependencies=[Depends(get_token_header)],
    prefix="/items",
)
@router.api_route("/x", methods=["GET", "POST"])
async def x(): return 'ITEMX'
@router.get("/{id}.json")
async def xj(id): return 'ITEMJSON'
""",
        },
        [
            ('GET', '/api/v1/users/', 'READUSERS'),
            ('PUT', '/api/v1/users/3', 'UPDATEUSER'),
            ('POST', '/api/v1/login/access-token', 'TOKEN'),
            ('POST', '/admin/items/x', 'ITEMX'),
            ('GET', '/admin/items/4.json', 'ITEMJSON'),
            ('GET', '/sub/hello', 'SUBHELLO'),
            ('GET', '/files/a/b/c', 'FILES'),
            ('GET', '/ws', 'WS'),
        ],
    ),
    (
        {
        'src/main.py': """from contextlib import asynccontextmanager
import fastapi
from . import routers
from .routers import orders as o
api = fastapi.FastAPI(root_path="/x")
V = "/v2"
api.include_router(o.router, prefix=V)
api.include_router(routers.health)
class App:
    def __init__(self):
        self.router = fastapi.APIRouter(prefix="/cls")
        self.router.add_api_route("/hello", self.hello, methods=["GET"])
    def hello(self):
        return "CLSHELLO"
""",
        'src/routers/__init__.py': 'from .health import router as health\n',
        'src/routers/health.py': """from fastapi import APIRouter
router: APIRouter = APIRouter(tags=["h"])
@router.head("/healthz")
@router.get("/healthz", include_in_schema=False)
def healthz():
    return "HEALTHZ"
""",
        'src/routers/orders.py': """from fastapi import APIRouter
router = APIRouter(
    prefix="/orders",  # prefix="/dead"
)
@router.get("")
def orders(): return "ORDERS"
@router.delete(path="/{order_id:int}")
def remove(order_id: int): return "REMOVE"
@router.get("/{a}/files/{p:path}")
def f(a, p): return "OFILES"
""",
        },
        [
            ('GET', '/v2/orders', 'ORDERS'),
            ('DELETE', '/v2/orders/4', 'REMOVE'),
            ('GET', '/v2/orders/1/files/x/y.txt', 'OFILES'),
            ('GET', '/healthz', 'HEALTHZ'),
            ('HEAD', '/healthz', 'HEALTHZ'),
            ('GET', '/cls/hello', 'CLSHELLO'),
            ('GET', '/dead', None),
            ('OPTIONS', '/healthz', None),
        ],
    ),
]  # fmt: skip
