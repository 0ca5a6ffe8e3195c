"""gunicorn's settings; each can be overridden on its command line or in GUNICORN_CMD_ARGS."""

import ctypes
import gc
import os
import sys
from contextlib import suppress

from leadferry.config import SettingsError, load, share_metrics
from leadferry.gunicorn_worker import room_for_connections

M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2

metrics_folder = share_metrics()

try:
    load()
except SettingsError as error:
    sys.exit(f"leadferry: {error}")

bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "leadferry.gunicorn_worker.WholeRequestWorker"  # gthread, with whole requests only
worker_connections = room_for_connections()
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 128
graceful_timeout = 40  # longer than the 30 seconds that one try may take
keepalive = 5
forwarded_allow_ips = ""  # which headers of proxies count is decided by TRUSTED_PROXIES alone
control_socket_disable = True


def on_starting(server):
    """Forget the counts of processes that are gone, and do not start on a database that cannot be used."""
    gc.disable()  # nothing that is loaded is garbage, and looking for some takes a tenth of the start
    import leadferry.web  # noqa: PLC0415, F401  # loaded once: the processes begin with it, and share its memory
    from leadferry.metrics import clean_folder  # noqa: PLC0415  # counts from its import on
    from leadferry.store import open_store  # noqa: PLC0415

    clean_folder(metrics_folder)
    try:
        settings = load()
        store = open_store(settings)
        store.require_schema()
    except SettingsError as error:
        sys.exit(f"leadferry: {error}")
    if settings.console:
        welcome_the_first(store, settings.public_url, server)
    store.engine.dispose()
    gc.freeze()  # nobody looks through what is loaded again, so the processes go on sharing it, and end in no time
    gc.enable()


def welcome_the_first(store, public_url, server):
    """While nobody may use the console, each start prints a one-time link that makes the first user."""
    from leadferry import users  # noqa: PLC0415
    from leadferry.store import StoreError  # noqa: PLC0415

    port = next((address[1] for address in server.cfg.address if isinstance(address, tuple)), 8000)
    with suppress(StoreError):  # a disk that is full for the moment is no reason not to start
        if users.needs_first(store):
            link = users.link(users.invite(store), public_url, f"http://127.0.0.1:{port}")
            print(f"leadferry: make the console's first user, once, within a day: {link}", file=sys.stderr)  # noqa: T201


def post_worker_init(worker):
    """In each web process, once its application is loaded: deliver what waits, unless that is switched off."""
    from leadferry.metrics import take_room  # noqa: PLC0415

    with suppress(AttributeError, OSError):  # another C library than glibc has no such setting
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)  # or each thread's heap keeps what it freed, from others too
    gc.collect()
    gc.freeze()  # or all that was loaded is looked through for garbage again and again: a quarter of the time of posts
    take_room()
    site = worker.wsgi.extensions["leadferry"]
    if site.settings.delivery == "embedded":
        site.worker.start()


def worker_exit(_server, worker):
    """Finish the tries that are under way."""
    if hasattr(worker, "wsgi"):
        worker.wsgi.extensions["leadferry"].close()
