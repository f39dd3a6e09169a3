"""The page's style sheet: one palette in two lights, and a third for paper."""

from __future__ import annotations

LIGHT = """
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2126; --quiet: #666d76; --line: #e3e1da; --wash: #f3f1ea;
  --base: #7d8793; --first: #1f6fb2; --second: #c8641b; --third: #2b8a5b; --champion: #7a56b3; --trivial: #b5b2a8;
  --good: #1f7a4d; --bad: #b3372f; --heat: 31, 111, 178;"""
DARK = """
  --paper: #14171a; --card: #1b1f23; --ink: #e6e4de; --quiet: #98a0a9; --line: #2d3238; --wash: #22272c;
  --base: #8f9aa6; --first: #5aa9e6; --second: #ee9a55; --third: #5fc492; --champion: #b094e0; --trivial: #5d626a;
  --good: #65cd97; --bad: #f08379; --heat: 90, 169, 230;"""
STYLE = f"""
:root {{ color-scheme: light dark; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Helvetica Neue", sans-serif; }}
main {{ max-width: 1120px; margin: 0 auto; padding: 48px 28px 80px; }}
header {{ margin-bottom: 36px; }}
h1 {{ font-size: 34px; line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 6px; font-weight: 650; }}
h2 {{ font-size: 21px; letter-spacing: -0.01em; margin: 56px 0 4px; font-weight: 620; }}
h3 {{ font-size: 14px; margin: 0 0 8px; font-weight: 600; }}
p {{ margin: 4px 0 14px; max-width: 74ch; }}
.quiet, figcaption, .note {{ color: var(--quiet); }}
.note {{ font-size: 13.5px; }}
code, pre, .digest {{ font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 12.5px; }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(235px, 1fr)); gap: 14px; margin: 22px 0 0; }}
.card, figure {{ background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; }}
.card .name {{ font-size: 13px; color: var(--quiet); }}
.card .figure {{ font-size: 32px; font-weight: 640; letter-spacing: -0.02em; line-height: 1.25;
  font-variant-numeric: tabular-nums; }}
.card .figure small {{ font-size: 14px; font-weight: 450; color: var(--quiet); letter-spacing: 0; }}
.good {{ color: var(--good); }} .bad {{ color: var(--bad); }}
.grid {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 14px; }}
.grid.wide {{ grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); }}
figure {{ margin: 0; break-inside: avoid; }}
figcaption {{ font-size: 13px; margin-top: 8px; line-height: 1.45; }}
svg {{ display: block; width: 100%; height: auto; overflow: visible; }}
svg text {{ fill: var(--ink); font: 12px ui-sans-serif, system-ui, sans-serif; font-variant-numeric: tabular-nums; }}
svg .axis {{ fill: var(--quiet); font-size: 11px; }}
svg .rule {{ stroke: var(--line); stroke-width: 1; }}
svg .whisker {{ stroke: var(--ink); stroke-width: 1.4; opacity: 0.75; }}
.scroll {{ overflow-x: auto; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }}
table {{ border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: right; padding: 8px 9px; border-bottom: 1px solid var(--line); vertical-align: top;
  white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; position: sticky; left: 0; background: var(--card); }}
thead th {{ color: var(--quiet); font-weight: 520; font-size: 12.5px; }}
tbody tr:last-child td {{ border-bottom: 0; }}
td small {{ display: block; color: var(--quiet); font-size: 11.5px; }}
td.trivial, th.trivial {{ color: var(--quiet); }}
td.metric {{ white-space: normal; min-width: 150px; max-width: 190px; }}
thead th {{ vertical-align: bottom; white-space: normal; min-width: 64px; }}
.rules td:first-child {{ width: 190px; }} .rules td:last-child {{ width: 110px; }}
td.left, th.left {{ text-align: left; white-space: normal; }}
.dot {{ display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 8px; }}
.badge {{ display: inline-block; border-radius: 99px; padding: 2px 10px; font-size: 12.5px; font-weight: 560;
  border: 1px solid currentColor; }}
details {{ background: var(--card); border: 1px solid var(--line); border-radius: 12px; margin: 0 0 10px;
  break-inside: avoid; }}
summary {{ cursor: pointer; padding: 12px 18px; font-size: 14px; overflow-wrap: anywhere; }}
summary .quiet {{ unicode-bidi: isolate; }}
summary .quiet {{ font-size: 13px; }}
.side {{ display: grid; grid-template-columns: 1fr 1fr; gap: 14px; padding: 0 18px 18px; }}
.side.whole {{ grid-template-columns: 1fr; }}
pre {{ margin: 0; padding: 12px 14px; background: var(--wash); border-radius: 8px; white-space: pre-wrap;
  overflow-wrap: anywhere; line-height: 1.5; max-height: 340px; overflow-y: auto; }}
nav {{ display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 18px 0 0; font-size: 13.5px; }}
a {{ color: var(--first); text-decoration: none; }} a:hover {{ text-decoration: underline; }}
footer {{ margin-top: 64px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--quiet);
  font-size: 13px; }}
@media (max-width: 620px) {{ .side {{ grid-template-columns: 1fr; }} main {{ padding: 28px 16px 60px; }}
  .grid.wide {{ grid-template-columns: 1fr; }} }}
@media print {{ :root {{ {LIGHT} --paper: #fff; }} main {{ max-width: none; padding: 0; }} nav {{ display: none; }}
  p, tr, .card, details {{ break-inside: avoid; }} h2, h3, h2 + p {{ break-after: avoid; }}
  h2 {{ margin-top: 30px; }}
  .cards {{ grid-template-columns: repeat(4, 1fr); }} .card {{ padding: 12px 14px; }}
  .card .figure {{ font-size: 24px; }}
  .grid {{ grid-template-columns: repeat(3, 1fr); }} .grid.wide {{ grid-template-columns: repeat(2, 1fr); }}
  .scroll {{ overflow: visible; }}
  th, td, thead th {{ padding: 4px 5px; font-size: 10.5px; white-space: normal; min-width: 0; }}
  td small {{ font-size: 9.5px; }} td.metric {{ min-width: 90px; }}
  pre {{ max-height: none; }} * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }} }}
"""
