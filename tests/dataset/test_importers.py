"""Published sets: read as their authors lay them out, counted, and split so that nothing close is on both sides."""

import json
import sqlite3
import zipfile

import pytest

from config.errors import InputRefused
from config.settings import Dataset
from daemon.cli import main
from pipeline.dataset.importers.crossvul import Crossvul
from pipeline.dataset.importers.cvefixes import Cvefixes
from pipeline.dataset.importers.devign import Devign
from pipeline.dataset.importers.interface import Labelled, WrongCount, check
from pipeline.dataset.importers.registry import IMPORTERS, import_set
from pipeline.stage import read_records


def function(number, lines=8):
    body = "\n".join(f"  {chr(97 + number % 26)}{number}_{line}(x{line}, y{number * line});" for line in range(lines))
    return f"int f{number}(void)\n{{\n{body}\n}}"


@pytest.fixture
def devign(tmp_path):
    """Devign's layout: function.json, and the authors' parts by row number."""
    folder = tmp_path / "devign"
    folder.mkdir()
    made = [
        {"project": "FFmpeg" if number % 2 else "qemu", "commit_id": f"{number:040x}", "target": number % 2,
         "func": function(number)} for number in range(20)
    ]  # fmt: skip
    (folder / "function.json").write_text(json.dumps(made))
    for part, numbers in (("train", range(16)), ("valid", range(16, 18)), ("test", range(18, 20))):
        (folder / f"{part}.txt").write_text("\n".join(str(number) for number in numbers))
    return folder


@pytest.fixture
def cvefixes(tmp_path):
    """CVEfixes' schema with two fixing commits: one changed function each, and one that stayed as it was."""
    path = tmp_path / "CVEfixes.db"
    database = sqlite3.connect(path)
    database.executescript("""
        CREATE TABLE fixes (cve_id TEXT, hash TEXT, repo_url TEXT);
        CREATE TABLE cwe_classification (cve_id TEXT, cwe_id TEXT);
        CREATE TABLE file_change (file_change_id TEXT, hash TEXT, filename TEXT, old_path TEXT, new_path TEXT,
                                  programming_language TEXT);
        CREATE TABLE method_change (method_change_id TEXT, file_change_id TEXT, name TEXT, code TEXT,
                                    before_change TEXT);
    """)
    for number in range(2):
        database.execute(
            "INSERT INTO fixes VALUES (?, ?, ?)", (f"CVE-2020-{number}", f"h{number}", f"https://x/{number}")
        )
        database.execute("INSERT INTO cwe_classification VALUES (?, ?)", (f"CVE-2020-{number}", "CWE-79"))
        database.execute(
            "INSERT INTO file_change VALUES (?, ?, 'a.c', 'src/a.c', 'src/a.c', 'C')", (str(number), f"h{number}")
        )
        rows = [("f", function(number), "True"), ("f", function(number + 5), "False"),
                ("same", function(9), "True"), ("same", function(9), "False")]  # fmt: skip
        for index, (name, code, before) in enumerate(rows):
            database.execute("INSERT INTO method_change VALUES (?, ?, ?, ?, ?)",
                             (f"{number}-{index}", str(number), name, code, before))  # fmt: skip
    database.execute("INSERT INTO cwe_classification VALUES ('CVE-2020-1', 'NVD-CWE-noinfo')")
    database.commit()
    database.close()
    return path


@pytest.fixture
def crossvul(tmp_path):
    """CrossVul's layout in a zip: two pairs, and a file whose other side is missing."""
    path = tmp_path / "dataset.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(2):
            packed.writestr(f"dataset_final_sorted/CWE-119/c/bad_{number}_0", function(number))
            packed.writestr(f"dataset_final_sorted/CWE-119/c/good_{number}_0", function(number + 5))
        packed.writestr("dataset_final_sorted/CWE-79/php/bad_7_0", "<?php echo $_GET['x'];")
        packed.writestr("metadata.json", "[]")
    return path


def test_devign_keeps_labels_projects_and_the_authors_parts(devign):
    read = list(Devign().read(devign))
    assert [row.vulnerable for row in read] == [bool(number % 2) for number in range(20)]
    assert read[1].project == "FFmpeg"
    assert [row.part for row in read] == ["train"] * 16 + ["valid"] * 2 + ["test"] * 2


def test_devigns_three_files_are_its_whole(devign, tmp_path):
    whole = list(Devign().read(devign))
    for part in ("train", "valid", "test"):
        lines = [{"project": row.project, "commit_id": row.commit, "target": int(row.vulnerable), "func": row.code,
                  "idx": 1} for row in whole if row.part == part]  # fmt: skip
        (tmp_path / f"{part}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(Devign().read(tmp_path)) == whole


def test_a_label_that_is_neither_is_refused(devign):
    rows = json.loads((devign / "function.json").read_text())
    rows[3]["target"] = 2
    (devign / "function.json").write_text(json.dumps(rows))
    with pytest.raises(InputRefused, match="label 2"):
        list(Devign().read(devign))


def test_cvefixes_pairs_functions_before_and_after_and_leaves_out_unchanged_ones(cvefixes):
    read = list(Cvefixes().read(cvefixes))
    assert [(row.vulnerable, row.cves, row.cwes) for row in read] == [
        (True, ("CVE-2020-0",), (79,)), (False, ("CVE-2020-0",), (79,)),
        (True, ("CVE-2020-1",), (79,)), (False, ("CVE-2020-1",), (79,)),
    ]  # fmt: skip
    assert read[0].pair == read[1].pair != read[2].pair
    assert read[0].code == function(0)


def test_crossvul_pairs_files_and_leaves_out_what_has_no_other_side(crossvul, tmp_path):
    read = list(Crossvul().read(crossvul))
    assert [(row.vulnerable, row.language, row.cwes) for row in read] == [(True, "c", (119,)), (False, "c", (119,))] * 2
    assert read[0].pair == read[1].pair != read[2].pair
    with zipfile.ZipFile(crossvul) as packed:
        packed.extractall(tmp_path / "unpacked")
    assert list(Crossvul().read(tmp_path / "unpacked")) == read


def test_a_set_with_another_number_of_rows_is_refused_and_both_numbers_are_said(devign, cvefixes, crossvul):
    for importer, path, found in ((Devign(), devign, "20 functions"), (Cvefixes(), cvefixes, "2 CVEs"),
                                  (Crossvul(), crossvul, "5 files, 2 pairs")):  # fmt: skip
        with pytest.raises(WrongCount, match=found):
            check(importer, path)


def test_the_published_counts_are_accepted(devign, monkeypatch):
    monkeypatch.setattr(Devign, "releases", {"small": {"functions": 20}})
    assert check(Devign(), devign) == "small"


def test_releases_are_what_their_authors_published():
    published = {one.name: one.releases for one in IMPORTERS}
    assert published["devign"]["CodeXGLUE"] == {"functions": 21_854 + 2_732 + 2_732}
    assert published["crossvul"]["1.0"]["files"] == 2 * published["crossvul"]["1.0"]["pairs"]


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "CVEfixes.db").write_text("no database at all, but long enough to look like one" * 20)
    with pytest.raises(InputRefused, match="isn't CVEfixes"):
        list(Cvefixes().read(tmp_path / "CVEfixes.db"))


def test_pairs_and_projects_stay_on_one_side_and_the_same_files_give_the_same_bytes(crossvul, tmp_path):
    for name in ("one", "two"):
        told = import_set(Crossvul(), crossvul, tmp_path / name, Dataset(), partial=True)
    sides = {}
    for part in ("train", "valid", "test"):
        assert (tmp_path / "one" / f"{part}.jsonl").read_bytes() == (tmp_path / "two" / f"{part}.jsonl").read_bytes()
        for row in read_records(tmp_path / "one" / f"{part}.jsonl", Labelled):
            assert sides.setdefault(row.pair, part) == part
    assert len(sides) == 2
    assert told["labels"] == {"safe": 2, "vulnerable": 2}


def test_a_text_with_both_labels_is_dropped_and_counted(tmp_path):
    lines = [{"project": "p", "commit_id": "c", "target": target, "func": code}
             for target, code in ((0, "a()"), (1, "a() "), (1, "b()"), (1, "b()"), (0, "c()"))]  # fmt: skip
    (tmp_path / "some.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = import_set(Devign(), tmp_path / "some.jsonl", tmp_path / "out", Dataset(), partial=True)
    assert told["dropped"] == {"called both vulnerable and safe": 2, "said already": 1}


def test_the_command_refuses_a_wrong_count_and_takes_it_when_told(devign, tmp_path, capsys):
    words = ["dataset", "import", str(devign), "--from", "devign", "--to", str(tmp_path / "out")]
    assert main(words) == 3
    assert "27,318" in capsys.readouterr().err
    assert main([*words, "--partial"]) == 0
    assert "train 16, valid 2, test 2 (10 safe, 10 vulnerable)" in capsys.readouterr().out
