"""Large files: in pieces through LFS, cut off and gone on with; and through Xet into a local store."""

import os
from pathlib import Path

import pytest

from pipeline.publishing.interface import Unreachable
from tests.publishing.conftest import release
from tests.publishing.hub_stub import Fault
from tests.publishing.test_faults import exactly_one, publish

PIECE = 1_000_000


def pieces(hub) -> int:
    return sum("lfs-piece" in request for request in hub.requests)


def test_a_large_file_goes_in_pieces_and_arrives_byte_for_byte(hub, tmp_path):
    hub.piece_bytes = PIECE
    what = release(tmp_path, weights=os.urandom(3 * PIECE + 7))
    publish(hub, what)
    exactly_one(hub, what)
    assert pieces(hub) == 4


@pytest.mark.parametrize("fault", [{"status": 503}, {"lost": "before"}, {"lost": "after"}])
def test_a_piece_that_fails_is_sent_again_and_no_other(hub, tmp_path, fault):
    hub.piece_bytes = PIECE
    what = release(tmp_path, weights=os.urandom(3 * PIECE + 7))
    hub.faults["lfs-piece/.*/3"] = Fault(**fault)
    publish(hub, what)
    exactly_one(hub, what)
    sent = [request.rsplit("/", 1)[1] for request in hub.requests if "lfs-piece" in request]
    assert sent == ["1", "2", "3", "3", "4"]


def test_the_word_that_all_pieces_are_there_may_be_lost(hub, tmp_path):
    hub.piece_bytes = PIECE
    what = release(tmp_path, weights=os.urandom(3 * PIECE + 7))
    hub.faults["lfs-complete"] = Fault(lost="after")
    publish(hub, what)
    exactly_one(hub, what)
    assert pieces(hub) == 4


def test_pieces_that_never_arrive_leave_no_commit(hub, tmp_path):
    hub.piece_bytes = PIECE
    what = release(tmp_path, weights=os.urandom(2 * PIECE + 7))
    hub.faults["lfs-piece/.*/2"] = Fault(status=500, once=False)
    with pytest.raises(Unreachable, match="500"):
        publish(hub, what, attempts=2)
    assert not any("/commit/" in request for request in hub.requests)
    hub.faults.clear()
    publish(hub, what)
    exactly_one(hub, what)


def test_through_xet_the_bytes_go_into_its_store_and_one_commit_names_them(hub, tmp_path):
    hub.xet_store = str(tmp_path / "store")
    Path(hub.xet_store).mkdir()
    weights = os.urandom(2 * PIECE)
    hub.xet_files = [weights]
    what = release(tmp_path, weights=weights)
    for _ in range(2):
        publish(hub, what, xet=True)
    assert sum(path.stat().st_size for path in Path(hub.xet_store).rglob("*") if path.is_file()) >= len(weights)
    assert not any("lfs-" in request for request in hub.requests)
    exactly_one(hub, what)
