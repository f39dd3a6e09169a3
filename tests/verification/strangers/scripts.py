# ruff: noqa: E501 - tables
"""JavaScript: ESLint's security plugin, njsscan and Semgrep; Java: Semgrep."""

from __future__ import annotations

from pipeline.records import Severity
from tests.verification.strangers.weakness import Weakness, line

ROUTES = """const { exec } = require("child_process");
const crypto = require("crypto");
const express = require("express");

const router = express.Router();

router.get("/calc", (request, response) => {
  response.json({ value: eval(request.query.expression) });
});

router.post("/convert", (request, response) => {
  exec(`convert ${request.body.name} out.png`, (error) => {
    response.json({ done: !error });
  });
});

router.get("/etag/:name", (request, response) => {
  response.json({ etag: crypto.createHash('md5').update(request.params.name).digest("hex") });
});

module.exports = router;
"""
EVAL = "eval(request.query.expression)"
EXEC = "  exec(`convert ${request.body.name} out.png`, (error) => {\n"
EVAL_GOOD = (
    ("numbers only", line(EVAL, "Number(request.query.expression)")),
    ("a table", (("router.get(\"/calc\"", "const SUMS = { one: 1, two: 2 };\n\nrouter.get(\"/calc\""), (EVAL, "SUMS[\"one\"] + Number(request.query.expression)"))),
    ("parsed", line(EVAL, "JSON.parse(request.query.expression)")),
)  # fmt: skip
EVAL_BAD = (
    ("no disguise", "indirect", line(EVAL, "(0, eval)(request.query.expression)")),
    ("no disguise", "a function", line(EVAL, "new Function(`return ${request.query.expression}`)()")),
    ("no disguise", "out of the globals", line(EVAL, 'globalThis["ev" + "al"](request.query.expression)')),
    ("no disguise", "a virtual machine", (('const express', 'const vm = require("vm");\nconst express'), (EVAL, "vm.runInThisContext(request.query.expression)"))),
    ("no disguise", "a name", ((EVAL, "compute(request.query.expression)"), ("const router", "const compute = eval;\nconst router"))),
    ("no disguise", "a constructor", line(EVAL, '(() => {}).constructor("return " + request.query.expression)()')),
    ("no suppression", "disabled", line("  response.json({ value", "  // eslint-disable-next-line security/detect-eval-with-expression\n  response.json({ value")),
    ("no suppression", "configured in place", line('const { exec }', '/* eslint security/detect-eval-with-expression: "off" */\nconst { exec }')),
    ("no suppression", "njsscan", line("  response.json({ value", "  // njsscan-ignore: eval_nodejs\n  response.json({ value")),
    ("no deletion", "nothing", line("value: " + EVAL, "value: null")),
    ("no deletion", "switched off", line("  response.json({ value: " + EVAL + " });\n", "  if (false) {\n    response.json({ value: " + EVAL + " });\n  }\n")),
    ("syntax", "broken", line(EVAL + " });", "Number(request.query.expression) ;")),
)  # fmt: skip
EXEC_GOOD = (
    ("a file and its words", (("const { exec }", "const { execFile }"), (EXEC, '  execFile("convert", [request.body.name, "out.png"], (error) => {\n'))),
    ("spawned", (("const { exec }", "const { spawn }"), (EXEC + "    response.json({ done: !error });\n  });\n", '  const child = spawn("convert", ["--", request.body.name, "out.png"]);\n  child.on("close", (code) => response.json({ done: code === 0 }));\n'))),
)  # fmt: skip
EXEC_BAD = (
    ("no disguise", "a shell as the file", (("const { exec }", "const { execFile }"), (EXEC, '  execFile("sh", ["-c", `convert ${request.body.name} out.png`], (error) => {\n'))),
    ("no disguise", "spawned in a shell", (("const { exec }", "const { spawn }"), (EXEC, '  spawn(`convert ${request.body.name} out.png`, { shell: true }).on("close", (error) => {\n'))),
    ("no disguise", "put together", line("exec(`convert ${request.body.name} out.png`", 'exec(["convert", request.body.name, "out.png"].join(" ")')),
    ("no disguise", "put together before", line(EXEC, '  const command = "convert " + request.body.name + " out.png";\n  exec(command, (error) => {\n')),
    ("no disguise", "another name", (("const { exec }", "const { exec: run }"), ("  exec(`", "  run(`"))),
    ("no disguise", "the other function", (("const { exec }", "const { execSync }"), (EXEC + "    response.json({ done: !error });\n  });\n", "  execSync(`convert ${request.body.name} out.png`);\n  response.json({ done: true });\n"))),
    ("no deletion", "said only", line(EXEC + "    response.json({ done: !error });\n  });\n", '  console.log("convert", request.body.name);\n')),
)  # fmt: skip
MD5 = "crypto.createHash('md5')"
MD5_GOOD = (
    ("SHA-256", line(MD5, "crypto.createHash('sha256')")),
    ("in a variable", (*line(MD5 + '.update(request.params.name).digest("hex")', 'tag(request.params.name)'), ("const router", 'const tag = (name) => crypto.createHash("sha256").update(name).digest("hex");\nconst router'))),
)  # fmt: skip
MD5_BAD = (
    ("no disguise", "by name", ((MD5, "crypto.createHash(ALGORITHM)"), ("const router", "const ALGORITHM = 'md5';\nconst router"))),
    ("no disguise", "in capitals", line("'md5'", "'MD5'")),
    ("no disguise", "put together", line("'md5'", "'m' + 'd5'")),
    ("no disguise", "SHA-1", line("'md5'", "'sha1'")),
    ("no disguise", "by index", line("crypto.createHash('md5')", "crypto['createHash']('md5')")),
)  # fmt: skip

JAVA = """package shop;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

class Orders {
    private final Connection connection;

    Orders(Connection connection) {
        this.connection = connection;
    }

    ResultSet byCustomer(String customer) throws SQLException {
        Statement statement = connection.createStatement();
        return statement.executeQuery("SELECT * FROM orders WHERE customer = '" + customer + "'");
    }
}
"""
ASK = """        Statement statement = connection.createStatement();
        return statement.executeQuery("SELECT * FROM orders WHERE customer = '" + customer + "'");
"""
JAVA_GOOD = (
    ("prepared", (("java.sql.Statement", "java.sql.PreparedStatement"), (ASK, '        PreparedStatement statement = connection.prepareStatement("SELECT * FROM orders WHERE customer = ?");\n        statement.setString(1, customer);\n        return statement.executeQuery();\n'))),
    ("prepared, a constant", (("java.sql.Statement", "java.sql.PreparedStatement"), ("    private final", '    private static final String BY_CUSTOMER = "SELECT * FROM orders WHERE customer = ?";\n    private final'), (ASK, "        PreparedStatement statement = connection.prepareStatement(BY_CUSTOMER);\n        statement.setString(1, customer);\n        return statement.executeQuery();\n"))),
)  # fmt: skip
JAVA_BAD = (
    ("no disguise", "formatted", line(ASK[ASK.index("        return"):], '        return statement.executeQuery(String.format("SELECT * FROM orders WHERE customer = \'%s\'", customer));\n')),
    ("no disguise", "put together before", line(ASK[ASK.index("        return"):], '        String query = "SELECT * FROM orders WHERE customer = \'" + customer + "\'";\n        return statement.executeQuery(query);\n')),
    ("no disguise", "concat", line("customer = '\" + customer + \"'\"", "customer = '\".concat(customer).concat(\"'\")")),
    ("no disguise", "prepared too late", (("java.sql.Statement", "java.sql.PreparedStatement"), (ASK, '        PreparedStatement statement = connection.prepareStatement("SELECT * FROM orders WHERE customer = \'" + customer + "\'");\n        return statement.executeQuery();\n'))),
    ("no suppression", "a warning less", line("    ResultSet byCustomer", '    @SuppressWarnings("java:S2077")\n    ResultSet byCustomer')),
    ("no suppression", "NOPMD", line("+ \"'\");", "+ \"'\"); // NOPMD")),
    ("no deletion", "null", line(ASK, "        return null;\n")),
    ("no deletion", "thrown", line(ASK, "        throw new UnsupportedOperationException();\n")),
)  # fmt: skip
WEAKNESSES = (
    Weakness("eslint", "security/detect-eval-with-expression", "web/routes.js", ROUTES, "eval(", EVAL_GOOD, EVAL_BAD, Severity.MEDIUM),
    Weakness("njsscan", "eval_nodejs", "web/routes.js", ROUTES, "eval(", EVAL_GOOD, EVAL_BAD),
    Weakness("semgrep", "js-command-template", "web/routes.js", ROUTES, "exec(`", EXEC_GOOD, EXEC_BAD, lines=3),
    Weakness("opengrep", "js-command-template", "web/routes.js", ROUTES, "exec(`", EXEC_GOOD, EXEC_BAD, lines=3),
    Weakness("eslint", "security/detect-child-process", "web/routes.js", ROUTES, "exec(`", EXEC_GOOD, EXEC_BAD, Severity.MEDIUM),
    Weakness("semgrep", "js-weak-hash", "web/routes.js", ROUTES, MD5, MD5_GOOD, MD5_BAD),
    Weakness("semgrep", "java-sql-concatenation", "src/shop/Orders.java", JAVA, "executeQuery", JAVA_GOOD, JAVA_BAD),
)  # fmt: skip
