"""Two applications of Django, written to be hard to read by rule."""

from __future__ import annotations

APPLICATIONS = [
    (
        {
        'proj/urls.py': (
            'from django.contrib import admin\n'
            'from django.urls import include, path, re_path\n'
            'from django.views.decorators.csrf import csrf_exempt\n'
            'from rest_framework import routers\n'
            'from shop import views as shop_views\n'
            'from shop.api import ItemViewSet\n'
            'router = routers.DefaultRouter()\n'
            "router.register(r'items', ItemViewSet, basename='item')\n"
            'extra = [\n'
            "    path('reports/', shop_views.reports),\n"
            ']\n'
            'urlpatterns = [\n'
            "    path('admin/', admin.site.urls),\n"
            "    path('api/', include(router.urls)),\n"
            "    path('shop/', include(('shop.urls', 'shop'), namespace='shop')),\n"
            "    path('credit/', include(extra)),\n"
            "    path('inl/', include([\n"
            "        path('a/', shop_views.inl_a),\n"
            '    ])),\n'
            "    re_path(r'^users/?$', shop_views.users),\n"
            "    re_path(r'^y/([0-9]{4})/([a-z-]+)/$', shop_views.year),\n"
            "    re_path(r'^sitemap\\.xml$', shop_views.sitemap),\n"
            "    path('hook/', csrf_exempt(shop_views.hook)),\n"
            '    path(\n'
            "        'multi/<slug:s>/',\n"
            "        shop_views.Multi.as_view(template_name='x'),\n"
            "        name='multi',\n"
            '    ),\n'
            "    # path('old/', shop_views.old),\n"
            "    path('f/<path:p>', shop_views.fpath),\n"
            "    path('', shop_views.home),\n"
            ']\n'
        ),
        'shop/urls.py': (
            'from django.conf.urls import url\n'
            'from . import views\n'
            'from .views import cart\n'
            "app_name = 'shop'\n"
            'urlpatterns = [\n'
            "    url(r'^cart/(?P<pk>\\d+)/$', cart.CartView.as_view(), name='c'),\n"
            "    url(r'^checkout/$', views.checkout),\n"
            ']\n'
            "urlpatterns += [path('more/', views.more)]\n"
        ),
        'shop/views/__init__.py': """from .cart import CartView
def reports(r):
    return 'REPORTS'
def inl_a(r):
    return 'INLA'
def users(r):
    return 'USERS'
def year(r, y, s):
    return 'YEAR'
def sitemap(r):
    return 'SITEMAP'
def hook(r):
    return 'HOOK'
class Multi(TemplateView):
    def get_context_data(self):
        return 'MULTI'
def fpath(r, p):
    return 'FPATH'
def home(r):
    return 'HOME'
@login_required
def checkout(r):
    return 'CHECKOUT'
def more(r):
    return 'MORE'
def old(r):
    return 'OLD'
""",
        'shop/views/cart.py': """class CartView(View):
    http_method_names = ['get', 'post']

    def dispatch(self, *a):
        return x
    @method_decorator(x)
    def post(self, r, pk):
        return 'CARTPOST'
# comment at column 0
    def get(self, r, pk):
        return 'CARTGET'
""",
        'shop/api.py': """class ItemViewSet(viewsets.ModelViewSet):
    queryset = x
    def list(self, request):
        return 'ITEMLIST'
    def retrieve(self, request, pk=None):
        return 'ITEMGET'
    @action(detail=True, methods=['post'])
    def cancel(self, request, pk=None):
        return 'ITEMCANCEL'
""",
        },
        [
            ('GET', '/shop/cart/3/', 'CARTGET'),
            ('POST', '/shop/cart/3/', 'CARTPOST'),
            ('GET', '/shop/checkout/', 'CHECKOUT'),
            ('GET', '/shop/more/', 'MORE'),
            ('GET', '/credit/reports/', 'REPORTS'),
            ('GET', '/inl/a/', 'INLA'),
            ('GET', '/users', 'USERS'),
            ('GET', '/users/', 'USERS'),
            ('GET', '/y/2020/ab-c/', 'YEAR'),
            ('GET', '/sitemap.xml', 'SITEMAP'),
            ('POST', '/hook/', 'HOOK'),
            ('GET', '/multi/a/', 'MULTI'),
            ('GET', '/f/a/b', 'FPATH'),
            ('GET', '/', 'HOME'),
            ('GET', '/old/', None),
            ('GET', '/api/items/', 'ITEMLIST'),
            ('GET', '/api/items/3/', 'ITEMGET'),
            ('POST', '/api/items/3/cancel/', 'ITEMCANCEL'),
            ('GET', '/reports/', None),
        ],
    ),
    (
        {
        'config/urls.py': """from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.conf.urls.static import static
from django.urls import path, include, re_path
from django.views.generic import TemplateView
from apps.blog.views import PostDetail, post_list as pl
import apps.api.views
app_urls = ([path("k/", pl)], "k")
urlpatterns = [
    path("", TemplateView.as_view(template_name="x.html")),
    path("posts/", pl, name="list"),
    path("posts/<slug:slug>/", PostDetail.as_view()),
    path("api/v1/", include("apps.api.urls", namespace="api")),
    path("grp/", include(app_urls)),
    path("str/", "apps.blog.views.post_list"),
    re_path(r"^(?:en|nl)/about/$", pl),
    re_path(r"^dl/(?P<path>.*)$", apps.api.views.download),
] + static("/m/", document_root="m")
if settings.DEBUG:
    import debug_toolbar
    urlpatterns = [path("__debug__/", include(debug_toolbar.urls))] + urlpatterns
urlpatterns += i18n_patterns(path("shop/", apps.api.views.shop))
""",
        'apps/blog/views.py': """from functools import wraps
def deco(f): return f
@deco
def post_list(request):
    return "POSTLIST"
class Base:
    def get(self, request, slug): return "BASEGET"
class PostDetail(Base, View):
    async def post(self, request, slug):
        return "DETAILPOST"
""",
        'apps/api/urls.py': """from django.urls import path
from rest_framework.routers import SimpleRouter
from .views import BookViewSet, download
router = SimpleRouter(trailing_slash=False)
router.register("books", BookViewSet)
urlpatterns = router.urls + [path("d/<str:path>", download)]
""",
        'apps/api/views.py': """class BookViewSet(GenericViewSet):
    def list(self, request): return "BOOKLIST"
    @action(detail=False, methods=["POST"], url_path="bulk-add")
    def bulk(self, request): return "BULK"
def download(request, path): return "DOWNLOAD"
def shop(request): return "SHOP"
""",
        },
        [
            ('GET', '/posts/', 'POSTLIST'),
            ('POST', '/posts/a/', 'DETAILPOST'),
            ('GET', '/posts/a/', 'class PostDetail'),
            ('GET', '/api/v1/books', 'BOOKLIST'),
            ('POST', '/api/v1/books/bulk-add', 'BULK'),
            ('GET', '/api/v1/d/x', 'DOWNLOAD'),
            ('GET', '/grp/k/', 'POSTLIST'),
            ('GET', '/str/', 'POSTLIST'),
            ('GET', '/nl/about/', 'POSTLIST'),
            ('GET', '/dl/a/b', 'DOWNLOAD'),
            ('GET', '/nl/shop/', 'SHOP'),
            ('GET', '/', 'TemplateView'),
        ],
    ),
]  # fmt: skip
