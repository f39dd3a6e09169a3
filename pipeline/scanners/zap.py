"""ZAP: its JSON and XML reports, traditional and "plus"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any

import msgspec

from pipeline.records import Domain, Hints, Rule, Scanner, UrlLocation
from pipeline.scanners import severity
from pipeline.scanners.cwe import bare_number
from pipeline.scanners.document import Said, each, elements, load, named
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.markup import MarkupBroken, MarkupUnsafe, parse
from pipeline.scanners.outline import Outline, outline

_TAG = re.compile(r"</?(?:p|br|ul|ol|li|b|i|strong|em|code|pre|a|div|span)\b[^>]{0,300}>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</p>|<br ?/?>", re.IGNORECASE)
FALSE_POSITIVE = "0"


class _Instance(msgspec.Struct, frozen=True):
    uri: str = ""
    method: str | None = None
    param: str | None = None
    attack: str | None = None
    evidence: str | None = None
    otherinfo: str | None = None


class _Alert(msgspec.Struct, frozen=True):
    pluginid: str | int = ""
    alert_ref: str | None = msgspec.field(name="alertRef", default=None)
    name: str | None = None
    alert: str | None = None
    riskcode: str | int | None = None
    confidence: str | int | None = None
    desc: str | None = None
    solution: str | None = None
    reference: str | None = None
    cweid: str | int | None = None
    instances: list[_Instance] | None = None
    uri: str | None = None
    method: str | None = None
    param: str | None = None
    evidence: str | None = None


class _Site(msgspec.Struct, frozen=True):
    name: str = msgspec.field(name="@name", default="")
    alerts: list[msgspec.Raw] | None = None


class _Log(msgspec.Struct, frozen=True):
    version: str | None = msgspec.field(name="@version", default=None)
    site: msgspec.Raw = msgspec.Raw()


def _alert(alert: _Alert, pointer: str, scanner: Scanner, site: str) -> Iterator[RawFinding]:
    """Yield a finding for each place of the alert; one without places is about its whole site."""
    level = severity.from_word("zap", str(alert.riskcode) if alert.riskcode is not None else None)
    flags = severity.flags_for(level)
    if str(alert.confidence) == FALSE_POSITIVE:
        flags = (*flags, "suppressed")
    rule = Rule(
        id=str(alert.alert_ref or alert.pluginid),
        name=alert.name or alert.alert,
        help=plain(alert.desc),
        cwes=bare_number(alert.cweid),
        help_uri=plain(alert.reference).partition("\n")[0] or None,
    )
    for place, instance in _instances(alert, pointer, site):
        yield RawFinding(
            scanner=scanner,
            rule=rule,
            severity=severity.first(level),
            domain=Domain.DAST,
            location=UrlLocation(
                url=instance.uri or site, method=instance.method or None, parameter=instance.param or None
            ),
            message=rule.name or plain(alert.desc),
            pointer=place,
            snippet=instance.evidence or None,
            hints=Hints(fix_text=plain(alert.solution) or None),
            flags=flags,
        )


def _instances(alert: _Alert, pointer: str, site: str) -> Iterator[tuple[str, _Instance]]:
    for position, instance in enumerate(alert.instances or ()):
        yield f"{pointer}/instances/{position}", instance
    if not alert.instances:
        uri = alert.uri or site
        yield pointer, _Instance(uri=uri, method=alert.method, param=alert.param, evidence=alert.evidence)


def plain(html: str | None) -> str:
    """Turn ZAP's HTML paragraphs into lines of text."""
    text = unescape(_TAG.sub("", _PARAGRAPH.sub("\n", html or "")))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _read_json(report: Report) -> Iterator[Said]:
    log, faults = load(report, _Log)
    scanner = Scanner(name="zap", version=log.version)

    def site(found: _Site, pointer: str) -> Iterable[Said]:
        alerts = elements(found.alerts, f"{pointer}/alerts")
        return each(alerts, _Alert, lambda a, p: _alert(a, p, scanner, found.name))

    yield from each(elements(_sites(log.site), "/site"), _Site, site)
    if not _sites(log.site):
        yield Fault(pointer="/site", reason="the report names no site: ZAP reached nothing")
    yield from faults


def _sites(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Take the list of sites; old versions write a single one bare, and null for none."""
    if bytes(raw) in (b"", b"null"):
        return []
    return msgspec.json.decode(raw, type=list[msgspec.Raw]) if bytes(raw)[:1] == b"[" else [raw]


class _Alerts:
    """Collects the alerts of an XML report as expat comes by; `found` holds those not yet taken."""

    def __init__(self) -> None:
        self.scanner, self.found = Scanner(name="zap"), list[tuple[str, str, dict[str, Any]]]()
        self._site, self._sites, self._count = "", 0, 0
        self._alert: dict[str, Any] | None = None
        self._instance: dict[str, str] = {}
        self._top = 0

    def start(self, name: str, attributes: dict[str, str], depth: int) -> None:
        """Take note of version and site, and open an alert or an instance."""
        if self._alert is not None:
            if depth == self._top + 2:
                self._instance = {}
        elif name == "alertitem":
            self._alert, self._top = {"instances": []}, depth
        elif name == "site":
            self._site, self._sites, self._count = attributes.get("name", ""), self._sites + 1, 0
        elif name == "OWASPZAPReport":
            self.scanner = Scanner(name="zap", version=attributes.get("version"))

    def end(self, name: str, text: str | None, depth: int) -> None:
        """Fill in the open alert; at its end it is found."""
        if self._alert is None:
            return
        level = depth - self._top
        if level == 0:
            self._count += 1
            pointer = f"/site[{self._sites}]/alertitem[{self._count}]"
            self.found.append((pointer, self._site, self._alert))
            self._alert = None
        elif level == 1 and text is not None and name != "instances":
            self._alert[name] = text
        elif level == 2 and name == "instance":
            self._alert["instances"].append(self._instance)
        elif level == 3 and text is not None:
            self._instance[name] = text


def _read_xml(report: Report) -> Iterator[Said]:
    """Read alert by alert; what stands before a break is kept."""
    alerts = _Alerts()
    try:
        for _ in parse(report.path, alerts):
            yield from _xml_alerts(alerts)
    except MarkupBroken as error:
        yield from _xml_alerts(alerts)
        yield Fault(pointer="", reason=str(error))
    except MarkupUnsafe as error:
        raise ReportRefused(f"The XML is not safe to read: {error}.", "Scan again.") from error
    yield from _xml_alerts(alerts)


def _xml_alerts(alerts: _Alerts) -> Iterator[Said]:
    """Give the alerts that are complete, and forget them."""
    for pointer, site, fields in alerts.found:
        alert = msgspec.convert(fields, _Alert, strict=False)
        yield from map(named, _alert(alert, pointer, alerts.scanner, site))
    alerts.found.clear()


def _is_native(seen: Outline, head: str) -> bool:
    """ZAP's version beside sites, or its XML's root element."""
    if seen.kind == "text":
        return "<OWASPZAPReport" in head[:4096]
    return "site" in seen.keys and any(key.startswith("@") for key in seen.keys)


def _read(report: Report) -> Iterator[Said]:
    """Read JSON or XML, whichever it is."""
    return _read_json(report) if outline(report).kind == "object" else _read_xml(report)


READER = FormatReader(name="zap", native=_is_native, decode=_read)
