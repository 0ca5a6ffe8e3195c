"""The rules of the house: arrows point one way, and each thing has one owner."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "leadferry"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)

OWNERS = {
    # what is imported: which modules may, by their path below leadferry/
    "requests": {"transport.py"},
    "urllib3": {"transport.py"},
    "smtplib": {"alerts.py"},
    "bleach": {"text.py"},
    "ruamel": {"form_file", "form_file.py", "html_import"},
    "yaml": {"form_file"},
    "bs4": {"html_import"},
    "sqlalchemy": {
        "store.py",
        "commits.py",
        "gathering.py",
        "accepting.py",
        "statements.py",
        "models.py",
        "outbox.py",
        "leads.py",
        "reports.py",
        "privacy.py",
        "users.py",
        "search.py",
        "drafting.py",
        "handling.py",
        "troubles.py",
        "numbers.py",
    },
    "alembic": {"store.py"},
    "gunicorn": {"gunicorn_worker.py"},
    "prometheus_client": {"metrics.py"},
    "dotenv": {"config.py"},
    "gettext": {"languages.py"},
    "redis": {"rate.py"},
    "cryptography": {"sealing.py"},
    "altcha": {"puzzles.py"},
    "subprocess": set(),
}

FLASK_SIDE = {"web", "cli.py", "form_class.py", "sandbox"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def owner_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """Each file is read once for all that is asked about it."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


@cache
def imports_of(path: Path) -> list[str]:
    return list(_imports(nodes_of(path)))


def _imports(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> str:
    """Of `leadferry.web.public` that is web."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_library_has_one_owner(path: Path) -> None:
    wrong = {
        library
        for library, owners in OWNERS.items()
        if any(found.split(".")[0] == library for found in imports_of(path)) and owner_of(path) not in owners
    }
    assert not wrong


@pytest.mark.parametrize("path", [each for each in MODULES if owner_of(each) not in FLASK_SIDE], ids=name_of)
def test_nothing_in_the_core_knows_the_web(path: Path) -> None:
    found = {name.split(".")[0] for name in imports_of(path)} & {"flask", "werkzeug", "flask_wtf"}
    assert not found
    assert not [name for name in imports_of(path) if layer(name) in {"web", "cli", "sandbox"} and "leadferry" in name]


@pytest.mark.parametrize("path", [each for each in MODULES if owner_of(each) == "vendors"], ids=name_of)
def test_an_adapter_knows_only_the_contract_of_adapters(path: Path) -> None:
    ours = {name for name in imports_of(path) if name.startswith("leadferry.")}
    # text is a leaf without imports of ours: an adapter may cut at a grapheme as everybody does
    assert {layer(name) for name in ours} <= {"vendors", "text"}
    inside = {".".join(name.split(".")[:3]) for name in ours if layer(name) == "vendors"}
    if path.stem not in {"__init__", "base"}:
        assert inside <= {"leadferry.vendors.base", "leadferry.vendors.names"}


@pytest.mark.parametrize("path", [each for each in MODULES if owner_of(each) == "sandbox"], ids=name_of)
def test_the_sandbox_imports_nothing_of_ours(path: Path) -> None:
    assert {layer(name) for name in imports_of(path) if name.startswith("leadferry")} <= {"sandbox"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_settings_read_the_environment(path: Path) -> None:
    found = [
        node.lineno
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in {"environ", "getenv", "putenv"}
    ]
    assert not found or name_of(path) == "config.py"


def vendor_words() -> re.Pattern[str]:
    names = ("clienttether", "aicore", "apogee", "kartra", "leadconduit", "activeprospect", "vcita")
    return re.compile("|".join(names), re.IGNORECASE)


@pytest.mark.parametrize("path", [p for p in MODULES if owner_of(p) not in {"vendors", "sandbox"}], ids=name_of)
def test_no_vendor_is_named_outside_its_place(path: Path) -> None:
    """Comments and docstrings may explain with a name; code may not decide by one."""
    nodes = nodes_of(path)
    docs = {id(node.body[0].value) for node in nodes if has_docstring(node)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
    names = [node.id for node in nodes if isinstance(node, ast.Name)]
    assert not [text for text in (*texts, *names) if vendor_words().search(text)]


def has_docstring(node: ast.AST) -> bool:
    body = getattr(node, "body", None)
    return (
        isinstance(body, list)
        and bool(body)
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
    )


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
    everywhere = [*MODULES, *(REPOSITORY / "tests").rglob("*.py"), *(REPOSITORY / "tools").rglob("*.py")]
    assert not [path for path in everywhere if path.stem in drawers]


def test_every_directory_of_the_package_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]
