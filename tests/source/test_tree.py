"""Trees: folders and commits, and what is never read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import UsageError
from pipeline.source.interface import SourceTree
from pipeline.source.mirror import Mirror
from pipeline.source.paths import PathFinder
from pipeline.source.tree import Absence, FolderTree, GitTree, MissingCommit, SourceError, open_tree
from tests.source.trees import repository, run_git, write_files

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"


def test_a_path_that_climbs_out_is_never_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret": "s", "root/a": "a"})
    (tmp_path / "root/out").symlink_to(tmp_path / "secret")
    (tmp_path / "root/folder").symlink_to(tmp_path)
    (tmp_path / "root/in").symlink_to("a")
    tree = FolderTree(tmp_path / "root")
    for path in ("../secret", "/etc/passwd", "out", "folder/secret", "a\0b"):
        assert tree.examine(path).absence is Absence.OUTSIDE, path
    assert tree.read("in") == b"a"
    assert list(tree.files()) == ["a"]


def test_the_digest_of_a_folder_is_of_names_and_contents(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/b": "1", "a.c": "2", "node_modules/x": "3"})
    before = FolderTree(tmp_path).digest()
    os.utime(tmp_path / "a.c", (0, 0))
    write_files(tmp_path, {"node_modules/y": "4", ".git/z": "5"})
    assert FolderTree(tmp_path).digest() == before
    write_files(tmp_path, {"a/b": "changed"})
    assert FolderTree(tmp_path).digest() != before


def test_a_folder_with_too_many_or_too_large_files(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "123456", "b": "1", "c": "2"})
    assert FolderTree(tmp_path, max_bytes=5).examine("a").absence is Absence.TOO_LARGE
    with pytest.raises(SourceError, match="more than 2 files"):
        FolderTree(tmp_path, max_files=2).digest()


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="isn't a folder"):
        open_tree(str(tmp_path / "none"))


def test_a_repository_without_a_commit_is_a_folder(tmp_path: Path) -> None:
    (commit,) = repository(tmp_path / "r", {"a": "1"})
    assert isinstance(open_tree(str(tmp_path / "r")), FolderTree)
    with open_tree(str(tmp_path / "r"), commit) as tree:
        assert (isinstance(tree, GitTree), tree.digest()) == (True, commit)
    write_files(tmp_path / "plain", {"a": "1"})
    assert isinstance(open_tree(str(tmp_path / "plain"), "0" * 40), FolderTree)


def test_a_commit_is_read_through_git(tmp_path: Path) -> None:
    first, second = repository(
        tmp_path / "r", {"a": "old", "ü/x y": "1", "crlf": b"a\r\nb"}, {"a": "new", "big": "x" * 100}
    )
    with GitTree(tmp_path / "r", first) as tree:
        assert (tree.read("a"), tree.read("ü/x y"), tree.read("crlf")) == (b"old", b"1", b"a\r\nb")
        assert tree.examine("big").absence is Absence.NO_FILE
        assert tree.examine("../a").absence is Absence.OUTSIDE
        assert list(tree.files()) == ["a", "crlf", "ü/x y"]
    with GitTree(tmp_path / "r", second[:10], max_bytes=50) as tree:
        assert (tree.read("a"), tree.examine("big").absence) == (b"new", Absence.TOO_LARGE)


def test_a_folder_inside_a_repository_has_paths_from_itself(tmp_path: Path) -> None:
    (commit,) = repository(tmp_path / "r", {"app/a": "1", "b": "2"})
    with GitTree(tmp_path / "r/app", commit) as tree:
        assert (list(tree.files()), tree.read("a"), tree.digest()) == (["a"], b"1", f"{commit}:app/")


def test_links_in_a_commit_stay_in_it(tmp_path: Path) -> None:
    repository(tmp_path / "r", {"a/b": "1"})
    for name, target in (("in", "a/b"), ("out", "../../etc/passwd"), ("loop", "loop")):
        (tmp_path / "r" / name).symlink_to(target)
    run_git(tmp_path / "r", "add", "-A")
    run_git(tmp_path / "r", "commit", "-qm", "links")
    with GitTree(tmp_path / "r", "HEAD") as tree:
        assert tree.read("in") == b"1"
        assert (tree.examine("out").absence, tree.examine("loop").absence) == (Absence.OUTSIDE, Absence.OUTSIDE)


def test_a_submodule_is_named_as_one(tmp_path: Path) -> None:
    repository(tmp_path / "inner", {"x": "1"})
    repository(tmp_path / "r", {"a": "1"})
    run_git(tmp_path / "r", "submodule", "--quiet", "add", str(tmp_path / "inner"), "lib")
    run_git(tmp_path / "r", "commit", "-qm", "submodule")
    with GitTree(tmp_path / "r", "HEAD") as tree:
        assert tree.examine("lib/x").absence is Absence.SUBMODULE


@pytest.mark.parametrize("commit", ["0" * 40, "nonsense", "--upload-pack=x", "a\nb", ""])
def test_a_commit_that_is_not_there(tmp_path: Path, commit: str) -> None:
    repository(tmp_path / "r", {"a": "1"})
    with pytest.raises(MissingCommit, match="doesn't hold commit"):
        GitTree(tmp_path / "r", commit)


def test_a_shallow_clone_says_that_it_is_one(tmp_path: Path) -> None:
    first, _ = repository(tmp_path / "r", {"a": "1"}, {"a": "2"})
    run_git(tmp_path, "clone", "-q", "--depth", "1", f"file://{tmp_path}/r", "shallow")
    with pytest.raises(MissingCommit, match="shallow") as caught:
        GitTree(tmp_path / "shallow", first)
    assert "unshallow" in caught.value.hint


def test_a_mirror_fetches_contents_when_they_are_read(tmp_path: Path) -> None:
    (first,) = repository(tmp_path / "r", {"a": "1", "b": "2", "c": "3"})
    mirror = Mirror(tmp_path / "m.git", f"file://{tmp_path}/r")
    mirror.update()
    with GitTree(mirror.folder, first) as tree:  # no network: what isn't there is said
        assert [tree.examine(path).absence for path in ("a", "b")] == [Absence.NOT_FETCHED] * 2
    with mirror.tree(first) as tree:
        assert tree.prefetch(["a", "b", "none"]) == 2
        assert tree.prefetch(["a", "b"]) == 0
        assert (tree.read("a"), tree.read("c")) == (b"1", b"3")
    write_files(tmp_path / "r", {"a": "new"})
    run_git(tmp_path / "r", "commit", "-qam", "more")
    mirror.update()
    with mirror.tree("main") as tree:
        assert tree.read("a") == b"new"


def test_the_links_of_a_mirror_are_fetched_with_its_files(tmp_path: Path) -> None:
    (write_files(tmp_path / "r", {"real/a": "1"}) / "link").symlink_to("real")
    (commit,) = repository(tmp_path / "r", {})
    mirror = Mirror(tmp_path / "m.git", f"file://{tmp_path}/r")
    mirror.update()
    with mirror.tree(commit) as tree:
        assert tree.prefetch(tree.files()) == 2
    with GitTree(mirror.folder, commit) as tree:
        assert tree.read("link/a") == b"1"


def test_a_mirror_takes_no_password_in_its_address(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Mirror(tmp_path, "https://user:word@example.org/r")


@pytest.mark.parametrize(
    ("reported", "found"),
    [
        ("src/a b.py", "src/a b.py"),
        ("./src/a%20b.py", "src/a b.py"),
        ("file:///home/runner/work/r/r/src/a%20b.py", "src/a b.py"),
        ("/github/workspace/src/x.py", "src/x.py"),
        ("src\\x.py", "src/x.py"),
        ("x.py", None),
        ("deep/y.py", "one/deep/y.py"),
        ("/nowhere/else.py", None),
        ("src/../one/deep/y.py", "one/deep/y.py"),
        ("/build/src/gen/../x.py", "src/x.py"),
    ],
)
def test_a_reported_path_is_found(tmp_path: Path, reported: str, found: str | None) -> None:
    write_files(tmp_path, {"src/a b.py": "", "src/x.py": "", "one/deep/y.py": "", "etc/passwd": ""})
    assert PathFinder(FolderTree(tmp_path)).find(reported) == found


def test_a_reported_path_that_climbs_out_stays_refused(tmp_path: Path) -> None:
    tree = FolderTree(write_files(tmp_path / "root", {"etc/passwd": ""}))
    found = PathFinder(tree).find("../../etc/passwd")
    assert found is not None and tree.examine(found).absence is Absence.OUTSIDE


def test_a_folder_reads_nothing_of_git_itself(tmp_path: Path) -> None:
    tree = FolderTree(write_files(tmp_path, {".git/config": "token", "a.py": ""}))
    (tmp_path / "link").symlink_to(".git/config")
    assert tree.examine(".git/config").absence is tree.examine("link").absence is Absence.OUTSIDE


@pytest.mark.parametrize("kind", [FolderTree, lambda folder: GitTree(folder, "HEAD")])
def test_a_path_through_a_linked_folder_is_read(tmp_path: Path, kind: Callable[[Path], SourceTree]) -> None:
    (write_files(tmp_path, {"real/sub/a.py": "x"}) / "link").symlink_to("real/sub")
    (tmp_path / "out").symlink_to("..")
    repository(tmp_path, {})
    with kind(tmp_path) as tree:
        assert tree.read("link/a.py") == b"x"
        assert tree.examine("out/a.py").absence is Absence.OUTSIDE


@pytest.mark.parametrize("kind", [FolderTree, lambda folder: GitTree(folder, "HEAD")])
def test_a_name_that_is_not_text_is_never_named(tmp_path: Path, kind: Callable[[Path], SourceTree]) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    try:
        write_files(Path(folder), {"x/requirements.txt": "flask==1\n"})
    except OSError:
        pytest.skip("this file system takes only names that are text")
    repository(tmp_path, {"a.py": ""})
    with kind(tmp_path) as tree:
        assert list(tree.files()) == ["a.py"]
        assert PathFinder(tree).find("x/requirements.txt") is None
        assert tree.examine("a\ud800.py").content is None


def test_objects_are_read_as_they_are_not_as_they_were_replaced(tmp_path: Path) -> None:
    (commit,) = repository(tmp_path, {"a.py": "true", "b.py": "false"})
    run_git(
        tmp_path, "replace", run_git(tmp_path, "rev-parse", "HEAD:a.py"), run_git(tmp_path, "rev-parse", "HEAD:b.py")
    )
    with GitTree(tmp_path, commit) as tree:
        assert tree.read("a.py") == b"true"


def test_a_repository_git_refuses_is_never_taken_for_a_folder(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "r", {".git": "gitdir: /nowhere/at/all\n", "a.py": ""})
    with pytest.raises(SourceError, match="not a git repository: /nowhere"):
        open_tree(str(folder), "main")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_repository_says_what_to_do(tmp_path: Path) -> None:
    (commit,) = repository(tmp_path / "r", {"a.py": ""})
    subprocess.run(["chown", "-R", "12345", str(tmp_path / "r")], check=True)
    with pytest.raises(SourceError, match="dubious ownership") as told:
        open_tree(str(tmp_path / "r"), commit)
    assert "safe.directory" in told.value.hint
