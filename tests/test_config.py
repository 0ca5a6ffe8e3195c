from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from leadferry import config
from leadferry.config import KEPT_BACK, Settings, SettingsError

REPOSITORY = Path(__file__).resolve().parents[1]
KEY = "a key that is long enough"


def load(root: Path, **environ: str) -> Settings:
    return config.load({"SECRET_KEY": KEY, **environ}, root)


# --- defaults ---


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    found = config.load({}, tmp_path)
    assert found.database_url == f"sqlite:///{tmp_path}/var/leadferry.db"
    assert found.forms_dir == tmp_path / "forms"
    assert (found.public_url, found.trusted_proxies, found.delivery) == (None, 0, "embedded")
    assert found.allow_private_vendors is False
    assert found.post_limit == (60, 60)
    assert found.ratelimit_storage_uri == "memory://"
    assert (found.alert_webhook_url, found.alert_email, found.smtp_url) == (None, None, None)


def test_what_is_set_to_nothing_is_not_set(tmp_path: Path) -> None:
    names = (
        "SECRET_KEY DATABASE_URL FORMS_DIR PUBLIC_URL TRUSTED_PROXIES DELIVERY ALLOW_PRIVATE_VENDORS POST_LIMIT "
        "RATELIMIT_STORAGE_URI ALERT_WEBHOOK_URL ALERT_EMAIL SMTP_URL"
    ).split()
    empty = dict.fromkeys(names, " ")
    assert config.load(empty, tmp_path) == replace(config.load({}, tmp_path), environ=empty)


# --- each setting ---

RIGHT = [
    # name, what is set, attribute, what is meant
    ("DATABASE_URL", "sqlite:///data/leads.db", "database_url", "sqlite:///{root}/data/leads.db"),
    ("DATABASE_URL", "sqlite:////srv/leads.db", "database_url", "sqlite:////srv/leads.db"),
    ("DATABASE_URL", "postgresql+psycopg://u:p@db/leads", "database_url", "postgresql+psycopg://u:p@db/leads"),
    ("DATABASE_URL", "postgresql://u:p@[::1]:5432/leads", "database_url", "postgresql+psycopg://u:p@[::1]:5432/leads"),
    ("DATABASE_URL", "postgres:///leads?host=/run", "database_url", "postgresql+psycopg:///leads?host=/run"),
    ("PUBLIC_URL", "https://forms.example.com/", "public_url", "https://forms.example.com"),
    ("TRUSTED_PROXIES", "2", "trusted_proxies", 2),
    ("DELIVERY", "off", "delivery", "off"),
    ("ALLOW_PRIVATE_VENDORS", "1", "allow_private_vendors", True),
    ("POST_LIMIT", "5/second", "post_limit", (5, 1)),
    ("POST_LIMIT", "1000 / day", "post_limit", (1000, 86_400)),
    ("POST_LIMIT", "0", "post_limit", None),
    ("RATELIMIT_STORAGE_URI", "redis://cache:6379/1", "ratelimit_storage_uri", "redis://cache:6379/1"),
    ("RATELIMIT_STORAGE_URI", "rediss://:pw@cache", "ratelimit_storage_uri", "rediss://:pw@cache"),
    ("ALERT_WEBHOOK_URL", "https://hook.example/a?b=c", "alert_webhook_url", "https://hook.example/a?b=c"),
    ("ALERT_EMAIL", "a@example.com, b@example.com", "alert_email", "a@example.com, b@example.com"),
    ("SMTP_URL", "smtp://u:p@mail.example:587", "smtp_url", "smtp://u:p@mail.example:587"),
    ("SMTP_URL", "smtps://mail.example", "smtp_url", "smtps://mail.example"),
]


@pytest.mark.parametrize(("name", "value", "attribute", "meant"), RIGHT)
def test_a_setting_is_read(tmp_path: Path, name: str, value: str, attribute: str, meant: object) -> None:
    wanted = meant.format(root=tmp_path) if isinstance(meant, str) else meant
    assert getattr(load(tmp_path, **{"SMTP_URL": "smtp://mail.example", name: value}), attribute) == wanted
    assert getattr(load(tmp_path, **{"SMTP_URL": "smtp://mail.example", name: f" {value}\n"}), attribute) == wanted


def test_a_folder_of_forms_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert load(tmp_path, FORMS_DIR="mine").forms_dir == tmp_path / "mine"
    assert load(tmp_path, FORMS_DIR=str(tmp_path)).forms_dir == tmp_path


WRONG = [
    ("SECRET_KEY", "too short"),
    ("DATABASE_URL", "mysql://u:p@db/leads"),
    ("DATABASE_URL", "leads.db"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///."),
    ("DATABASE_URL", "postgresql+psycopg://u:p@db:port/leads"),
    ("DATABASE_URL", "postgresql://"),
    ("FORMS_DIR", "nowhere"),
    ("PUBLIC_URL", "forms.example.com"),
    ("PUBLIC_URL", "ftp://forms.example.com"),
    ("PUBLIC_URL", "http://["),
    ("PUBLIC_URL", "https://forms.example.com/?a=b"),
    ("PUBLIC_URL", "https://u:p@forms.example.com"),
    ("PUBLIC_URL", "https://forms.example.com/below"),
    ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "one"),
    ("TRUSTED_PROXIES", "9" * 5000),
    ("TRUSTED_PROXIES", "²"),
    ("DELIVERY", "on"),
    ("DELIVERY", "Embedded"),
    ("ALLOW_PRIVATE_VENDORS", "yes"),
    ("POST_LIMIT", "sixty"),
    ("POST_LIMIT", "60"),
    ("POST_LIMIT", "0/minute"),
    ("POST_LIMIT", "60/fortnight"),
    ("RATELIMIT_STORAGE_URI", "memcached://cache"),
    ("RATELIMIT_STORAGE_URI", "redis://"),
    ("ALERT_WEBHOOK_URL", "hook.example"),
    ("ALERT_WEBHOOK_URL", "https://["),
    ("ALERT_EMAIL", "nobody"),
    ("ALERT_EMAIL", "a@example.com b@example.com"),
    ("ALERT_EMAIL", "a@example.com"),
    ("SMTP_URL", "mail.example:25"),
    ("SMTP_URL", "smtp://"),
    ("SMTP_URL", "smtp://mail.example:port"),
    ("SMTP_URL", "smtp://["),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_named_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        load(tmp_path, **{name: value})
    assert str(wrong.value).startswith(f"{name}: ")
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "hunter2"),
        ("DATABASE_URL", "mysql://u:hunter2@db"),
        ("RATELIMIT_STORAGE_URI", "amqp://u:hunter2@db"),
        ("ALERT_WEBHOOK_URL", "hook.example/hunter2"),
        ("SMTP_URL", "mail://u:hunter2@mail.example"),
    ],
)
def test_the_line_shows_no_secret(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        load(tmp_path, **{name: value})
    assert "hunter2" not in str(wrong.value)


def test_settings_show_no_secret(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        SECRET_KEY="hunter2 hunter2 hunter2",
        DATABASE_URL="postgresql://u:hunter2@db/leads",
        RATELIMIT_STORAGE_URI="redis://:hunter2@cache",
        ALERT_WEBHOOK_URL="https://hook.example/hunter2",
        SMTP_URL="smtp://u:hunter2@mail.example",
        VENDOR_KEY="hunter2",
    )
    assert "hunter2" not in repr(found)
    assert "hunter2" not in str(found)


# --- where values come from ---


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DELIVERY=off\nTRUSTED_PROXIES=1\n# POST_LIMIT=1/day\nA='b c'\n")
    found = load(tmp_path, TRUSTED_PROXIES="2")
    assert (found.delivery, found.trusted_proxies, found.post_limit) == ("off", 2, (60, 60))
    assert found.secret("A") == "b c"


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run" / "key"
    path.parent.mkdir()
    path.write_text("another key that is long enough\n")
    assert config.load({"SECRET_KEY_FILE": str(path)}, tmp_path).secret_key == "another key that is long enough"
    assert config.load({"SECRET_KEY_FILE": "run/key"}, tmp_path).secret_key == "another key that is long enough"
    path.write_text("postgresql://u:p@db/leads")
    assert load(tmp_path, DATABASE_URL_FILE=str(path)).database_url.endswith("u:p@db/leads")
    assert load(tmp_path, VENDOR_KEY_FILE=str(path)).secret("VENDOR_KEY") == "postgresql://u:p@db/leads"


def test_the_value_goes_before_the_file_with_the_value(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file")
    assert load(tmp_path, VENDOR_KEY="itself", VENDOR_KEY_FILE="key").secret("VENDOR_KEY") == "itself"


def test_a_file_named_by_the_environment_goes_before_a_value_in_the_env_file(tmp_path: Path) -> None:
    """As where a container mounts its secrets over the keys of the demo."""
    (tmp_path / ".env").write_text("VENDOR_KEY=demo\n")
    (tmp_path / "key").write_text("real")
    assert load(tmp_path, VENDOR_KEY_FILE="key").secret("VENDOR_KEY") == "real"
    by_flask = load(tmp_path, VENDOR_KEY_FILE="key", VENDOR_KEY="demo")  # it puts .env into the environment
    assert by_flask.secret("VENDOR_KEY") == "real"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^SECRET_KEY_FILE: .*key cannot be read \(.*\); point it at"):
        config.load({"SECRET_KEY_FILE": str(path)}, tmp_path)


def test_an_env_file_that_is_no_text_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xe9\n")
    with pytest.raises(SettingsError, match=r"^\.env: .* save it as UTF-8 text"):
        load(tmp_path)


def test_a_forms_secret_that_is_nowhere_is_none(tmp_path: Path) -> None:
    found = load(tmp_path, EMPTY="", VENDOR_KEY_FILE="not there yet")
    assert found.secret("NOTHING") is found.secret("EMPTY") is found.secret("VENDOR_KEY") is None
    (tmp_path / "not there yet").write_text("here")
    assert found.secret("VENDOR_KEY") == "here"


@pytest.mark.parametrize("name", sorted(KEPT_BACK))
def test_the_servers_own_secrets_are_no_forms(tmp_path: Path, name: str) -> None:
    assert "SECRET_KEY" in KEPT_BACK
    environ = {"DATABASE_URL": "postgresql://u:p@db/leads", "SMTP_URL": "smtp://u:p@mail.example"}
    assert load(tmp_path, **environ).secret(name) is None


# --- the key that is made ---


def test_a_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = config.load({}, tmp_path).secret_key
    assert len(first) >= 48
    assert config.load({}, tmp_path).secret_key == first
    path = tmp_path / "var" / "secret_key"
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]
    assert config.load({}, tmp_path / "elsewhere").secret_key != first


@pytest.mark.parametrize("attempt", range(10))
def test_all_who_start_together_have_one_key(tmp_path: Path, attempt: int) -> None:
    together = threading.Barrier(12)

    def start(_: int) -> str:
        together.wait()
        return config.load({}, tmp_path).secret_key

    with ThreadPoolExecutor(12) as pool:
        assert len(set(pool.map(start, range(12)))) == 1


@pytest.mark.parametrize("content", ["", "short"])
def test_a_damaged_key_is_not_used(tmp_path: Path, content: str) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_text(content)
    with pytest.raises(SettingsError, match=r"^SECRET_KEY: .* is damaged; remove it"):
        config.load({}, tmp_path)


def test_where_no_key_can_be_kept_one_must_be_set(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way")
    with pytest.raises(SettingsError, match=r"^SECRET_KEY: none is set, and .* cannot be kept"):
        config.load({}, tmp_path)
    assert load(tmp_path).secret_key == KEY


# --- what the host sees ---


def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "FLASK_APP": str(REPOSITORY / "app.py"), "DELIVERY": "no"}
    commands = (
        ["-c", "import app"],
        ["-m", "flask", "leads", "balance"],
        ["-m", "gunicorn", "-c", str(REPOSITORY / "gunicorn.conf.py"), "-b", "127.0.0.1:0", "app:app"],
    )
    running = [
        subprocess.Popen([sys.executable, *each], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True)
        for each in commands
    ]
    ends = [process.communicate(timeout=60)[1] for process in running]
    assert all(process.returncode for process in running)
    assert ends == ["leadferry: DELIVERY: 'no' is neither embedded nor off\n"] * 3


def test_gunicorns_settings_can_be_read_again_and_leave_the_garbage_collector_on(tmp_path: Path) -> None:
    """SIGHUP reads them once more, without a start: what they switched off would stay so in every new process."""
    code = f"import gc, runpy; runpy.run_path({str(REPOSITORY / 'gunicorn.conf.py')!r}); print(gc.isenabled())"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SECRET_KEY": "a key for the tests, long enough"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "True\n", done.stderr
