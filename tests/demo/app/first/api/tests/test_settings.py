"""The settings keep their bounds."""

from invoices.settings import page_size


def test_page_size_has_a_ceiling():
    assert page_size({"page_size": 5000}) == 200


def test_page_size_has_a_default():
    assert page_size({}) == 50
