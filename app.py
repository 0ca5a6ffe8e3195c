"""What gunicorn and `flask` load."""

from __future__ import annotations

import sys

from leadferry import cli, config
from leadferry.web import create_app

try:
    app = create_app(config.load())
except config.SettingsError as error:
    sys.exit(f"leadferry: {error}")

cli.register(app)
