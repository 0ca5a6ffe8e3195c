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
    sys.exit(f"leadferry: {error}")

cli.register(app)
