"""ZAP: its JSON and XML reports, traditional and "plus"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError, iterparse

from pipeline.records import Domain, Hints, Rule, Scanner, UrlLocation
from pipeline.scanners import severity
from pipeline.scanners.cwe import bare_number
from pipeline.scanners.document import Said, each, elements, load, named
from pipeline.scanners.formats import FormatReader
from pipeline.scanners.interface import Fault, RawFinding, Report, ReportRefused
from pipeline.scanners.outline import Outline, outline

_TAG = re.compile(r"</?(?:p|br|ul|ol|li|b|i|strong|em|code|pre|a|div|span)\b[^>]{0,300}>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</p>|<br ?/?>", re.IGNORECASE)
FALSE_POSITIVE = "0"
DEEPEST_XML = 64


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


def _read_xml(report: Report) -> Iterator[Said]:
    """Read element by element; what stands before a break is kept.

    A report is UTF-8 by now, whatever its first line says.
    """
    scanner, site, alerts, depth = Scanner(name="zap"), "", 0, 0
    try:
        parser = DefusedXMLParser(encoding="utf-8", forbid_dtd=True)
        for event, element in iterparse(report.path, events=("start", "end"), parser=parser):
            depth += 1 if event == "start" else -1
            if depth > DEEPEST_XML:
                yield Fault(pointer="", reason=f"nested more than {DEEPEST_XML} deep: the rest is not read")
                return
            if event == "start":
                if element.tag == "OWASPZAPReport":
                    scanner = Scanner(name="zap", version=element.get("version"))
                elif element.tag == "site":
                    site = element.get("name", "")
            elif element.tag == "alertitem":
                yield from _xml_alert(element, f"/site[{site}]/alertitem[{alerts}]", scanner, site)
                alerts += 1
                element.clear()
    except ParseError as error:
        yield Fault(pointer="", reason=f"truncated or broken XML: {str(error)[:200]}")
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise ReportRefused(f"The XML is not safe to read: {str(error)[:100]}.", "Scan again.") from error


def _xml_alert(element: Element, pointer: str, scanner: Scanner, site: str) -> Iterator[Said]:
    fields: dict[str, Any] = {child.tag: child.text or "" for child in element if len(child) == 0}
    fields["instances"] = [
        {part.tag: part.text or "" for part in instance} for instance in element.iterfind("instances/instance")
    ]
    alert = msgspec.convert(fields, _Alert, strict=False)
    yield from map(named, _alert(alert, pointer, scanner, site))


def _is_native(seen: Outline, head: str) -> bool:
    """ZAP's version beside sites, or its XML's root element."""
    if seen.kind == "text":
        return "<OWASPZAPReport" in head[:4096]
    return "site" in seen.keys and any(key.startswith("@") for key in seen.keys)


def _read(report: Report) -> Iterator[Said]:
    """Read JSON or XML, whichever it is."""
    return _read_json(report) if outline(report).kind == "object" else _read_xml(report)


READER = FormatReader(name="zap", native=_is_native, decode=_read)
