from __future__ import annotations

from importlib import import_module
from pathlib import Path

from leadferry.vendors import ADAPTERS
from tests.vendors.contract import VendorContract
from tools.vendor_fields import PAGE, page

VENDORS = Path(__file__).parents[2] / "leadferry" / "vendors"


def test_every_vendor_is_found_under_its_own_name() -> None:
    assert {name: adapter.name for name, adapter in ADAPTERS.items()} == {name: name for name in ADAPTERS}


def test_every_vendor_has_a_file_a_page_and_a_line_in_the_index() -> None:
    index = (PAGE.parent / "README.md").read_text()
    for name in ADAPTERS:
        assert (VENDORS / f"{name}.py").exists()
        assert (PAGE.parent / f"{name}.md").exists()
        assert f"]({name}.md)" in index


def test_every_vendor_inherits_the_contract() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        import_module(f"tests.vendors.{path.stem}")
    assert {heir.adapter.name for heir in VendorContract.__subclasses__()} == set(ADAPTERS)


def test_the_page_of_names_says_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), "run python -m tools.vendor_fields"
