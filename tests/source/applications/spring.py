"""Two applications of Spring, written to be hard to read by rule."""

from __future__ import annotations

APPLICATIONS = [
    (
        {
        'src/main/java/a/C.java': """package a;
/** Use {@code @GetMapping("/javadoc")} */
@RestController
@RequestMapping(path = {"/v1/orders", "/v2/orders"}, produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "x (y)")
@Validated
public class C extends Base {
  private static final String P = "/const";
  // @GetMapping("/dead")
  @GetMapping
  public List<O> all() { return list; } // ALL
  @GetMapping("/{id:[0-9]+}")
  public O one(@PathVariable long id) { return x; } // ONE
  @PostMapping(value = "/{id}/pay", consumes = {"application/json", "application/xml"})
  public ResponseEntity<?> pay(
      @RequestBody P p) {
    return x; // PAY
  }
  @RequestMapping(value = "/multi", method = {RequestMethod.PUT, RequestMethod.PATCH})
  public void multi() { } // MULTI
  @GetMapping(P)
  public void constant() { } // CONST
  @GetMapping(path = "/files/**")
  public void files() { } // FILES
  @PostMapping(Paths.LOGIN)
  public void login() { } // LOGIN
}
@Controller
class D {
  @GetMapping({"/", "/index"})
  public String index() { return "i"; } // INDEX
  @GetMapping("/plain")
  public String plain() { return "i"; } // PLAIN
}
""",
        'src/main/kotlin/K.kt': """package a
@RestController
@RequestMapping("/k")
class K(private val s: S) {
  @GetMapping("/{a}/{b}")
  suspend fun ab(@PathVariable a: String): String = s.x() // AB
  @DeleteMapping(value = ["/x", "/y"])
  fun del() { s.y() } // DEL
}
""",
        'src/main/java/a/Api.java': """public interface Api {
  @RequestMapping(method = RequestMethod.GET, value = "/iface/{x}")
  String iface(@PathVariable("x") String x); // IFACE
}
""",
        },
        [
            ('GET', '/v1/orders', 'ALL'),
            ('GET', '/v2/orders/17', 'ONE'),
            ('POST', '/v1/orders/3/pay', 'PAY'),
            ('PATCH', '/v2/orders/multi', 'MULTI'),
            ('GET', '/v1/orders/files/a/b', 'FILES'),
            ('GET', '/javadoc', None),
            ('GET', '/index', 'INDEX'),
            ('GET', '/', 'INDEX'),
            ('GET', '/plain', 'PLAIN'),
            ('GET', '/k/1/2', 'AB'),
            ('DELETE', '/k/y', 'DEL'),
            ('GET', '/iface/3', 'IFACE'),
            ('GET', '/v1/orders/const', 'CONST'),
            ('POST', '/v1/orders', None),
            ('GET', '/app/v1/orders/17', 'ONE'),
            ('GET', '/v1/orders/17;jsessionid=A', 'ONE'),
        ],
    ),
    (
        {
        'A.java': """@RestController @RequestMapping(value = "/a")
class A implements Api {
  record Dto(String x) {}
  static class Inner { String y; }
  @Operation(summary = "Get (all) {things} // not a comment")
  @GetMapping(params = "q", value = {"/list",
     "/all"})
  @ResponseStatus(HttpStatus.OK)
  public List<Dto> list() { return null; } // LIST
  @PutMapping(Constants.BASE + "/{id}")
  void put(@PathVariable("id") int id) { } // PUT
  @org.springframework.web.bind.annotation.PostMapping("/fq")
  void fq() { } // FQ
  @RequestMapping("/any")
  String any() { return "x"; } // ANYM
  @PatchMapping(path="/{a}-{b}")
  void ab() {} // AB
}
""",
        'Constants.java': 'interface Constants { String BASE = "/const"; }\n',
        'B.kt': """@RestController
@RequestMapping(B.ROOT)
class B(
  private val repo: Repo,
) {
  companion object { const val ROOT = "/broot" }
  @GetMapping
  fun all() = repo.all() // BALL
  @PostMapping(path = ["/x"], consumes = [MediaType.JSON])
  fun x(@RequestBody b: String) = "y" // BX
}
""",
        },
        [
            ('GET', '/a/list', 'LIST'),
            ('GET', '/a/all', 'LIST'),
            ('PUT', '/a/const/3', 'PUT'),
            ('POST', '/a/fq', 'FQ'),
            ('DELETE', '/a/any', 'ANYM'),
            ('PATCH', '/a/x-y', 'AB'),
            ('GET', '/broot', 'BALL'),
            ('POST', '/broot/x', 'BX'),
            ('GET', '/a', None),
        ],
    ),
]  # fmt: skip
