"""What gunicorn and `flask` load."""

from __future__ import annotations

import sys

from leadferry import config

config.share_metrics()  # before anything counts

from leadferry import cli  # noqa: E402
from leadferry.web import create_app  # noqa: E402

try:
    app = create_app(config.load())
except config.SettingsError as error:
    print(f"leadferry: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(4)  # by which gunicorn knows that starting the process once more is no use

cli.register(app)
