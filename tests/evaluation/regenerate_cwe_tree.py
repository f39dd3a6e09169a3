"""Writes pipeline/evaluation/cwe_table.py from MITRE's list: `python regenerate_cwe_tree.py cwec_v4.14.xml`.

The list comes with the package cwe2 (PyPI, 3.0.0). Only numbers are taken: child and parent.
"""

import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

HEAD = '''"""The CWE list's ChildOf relations (research and development views), generated.

CWE list {version}, MITRE, free to use with attribution (https://cwe.mitre.org/about/termsofuse.html).
Made by tests/evaluation/regenerate_cwe_tree.py. One entry a child: `child:parent,parent`.
"""

VERSION = "{version}"
PARENTS = """
{table}
"""
'''
VIEWS = {"1000", "699", "1003"}


def main(source: str) -> None:
    root = ElementTree.parse(source).getroot()
    space = root.tag.partition("}")[0] + "}"
    parents = defaultdict(set)
    for weakness in root.iter(f"{space}Weakness"):
        for related in weakness.iter(f"{space}Related_Weakness"):
            if related.get("Nature") == "ChildOf" and related.get("View_ID") in VIEWS:
                parents[int(weakness.get("ID"))].add(int(related.get("CWE_ID")))
    entries = [f"{child}:{','.join(map(str, sorted(of)))}" for child, of in sorted(parents.items())]
    table = textwrap.fill(" ".join(entries), 108)
    target = Path(__file__).resolve().parents[2] / "pipeline" / "evaluation" / "cwe_table.py"
    target.write_text(HEAD.format(version=root.get("Version"), table=table))
    print(target, len(entries), "children")


if __name__ == "__main__":
    main(sys.argv[1])
