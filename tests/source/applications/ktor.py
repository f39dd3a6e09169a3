"""Two applications of Ktor, written to be hard to read by rule."""

from __future__ import annotations

APPLICATIONS = [
    (
        {
        'A.kt': (
            'package a\n'
            'import io.ktor.server.routing.*\n'
            'fun Application.configure() {\n'
            '    routing {\n'
            '        authenticate("jwt") {\n'
            '            route("/api/v1") {\n'
            '                userRoutes()\n'
            '                get { call.respond("APIROOT") }\n'
            '                route("{id}") {\n'
            '                    put { call.respond("PUTID") }\n'
            '                }\n'
            '            }\n'
            '        }\n'
            '        get("/tail/{rest...}") { call.respond("TAIL") }\n'
            '        get("/opt/{x?}") { call.respond("OPT") }\n'
            '        // get("/dead") { x() }\n'
            '        get(Regex("/re/(?<n>\\\\d+)")) { call.respond("RE") }\n'
            '        get<Articles> { call.respond("TYPED") }\n'
            '        post("/upload") {\n'
            '            val r = client.get("/remote") { header("a", "b") }\n'
            '            call.respond("UPLOAD")\n'
            '        }\n'
            '        method(HttpMethod.Options) { handle { x() } }\n'
            '        staticResources("/static", "static")\n'
            '    }\n'
            '}\n'
        ),
        'U.kt': """package a
import io.ktor.server.routing.*
fun Route.userRoutes() {
    route("/users") {
        get { call.respondText("USERS") }
        get("/{id}") {
            call.respondText("USERID ${call.parameters["id"]}")
        }
        delete("{id}") { call.respond("USERDEL") }
    }
}
""",
        },
        [
            ('GET', '/api/v1', 'APIROOT'),
            ('PUT', '/api/v1/3', 'PUTID'),
            ('GET', '/tail/a/b', 'TAIL'),
            ('GET', '/opt', 'OPT'),
            ('GET', '/opt/1', 'OPT'),
            ('GET', '/dead', None),
            ('GET', '/re/3', None),
            ('GET', '/', None),
            ('POST', '/upload', 'UPLOAD'),
            ('GET', '/remote', None),
            ('GET', '/api/v1/users', 'USERS'),
            ('GET', '/api/v1/users/3', 'USERID'),
            ('DELETE', '/api/v1/users/3', 'USERDEL'),
        ],
    ),
    (
        {
        'Main.kt': (
            'fun main() { embeddedServer(Netty, port = 8080) {\n'
            '  install(Routing) {\n'
            '    get("/installed") { call.respond("INSTALLED") }\n'
            '  }\n'
            '  routing {\n'
            '    val api = "/api"\n'
            '    route(api) { get("/val") { call.respond("VAL") } }\n'
            '    rateLimit(RateLimitName("x")) { post("/lim") { call.respond("LIM") } }\n'
            '    route("/m", HttpMethod.Put) { handle { call.respond("MPUT") } }\n'
            '    orders(repo)\n'
            '    get("/s") { call.respondText("""{"a": { """) }\n'
            '    patch("/after-string") { call.respond("AFTERS") }\n'
            '  }\n'
            '} }\n'
            'private fun Routing.orders(repo: Repo) = route("orders") {\n'
            '  get { call.respond("ORDERS") }\n'
            '  lines()\n'
            '}\n'
            'internal fun Route.lines() {\n'
            '  get("{id}/lines") { call.respond("LINES") }\n'
            '}\n'
        ),
        },
        [
            ('GET', '/installed', 'INSTALLED'),
            ('GET', '/api/val', 'VAL'),
            ('POST', '/lim', 'LIM'),
            ('PUT', '/m', 'MPUT'),
            ('GET', '/orders', 'ORDERS'),
            ('GET', '/orders/3/lines', 'LINES'),
            ('PATCH', '/after-string', 'AFTERS'),
        ],
    ),
]  # fmt: skip
