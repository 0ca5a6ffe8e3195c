"""What gunicorn and `flask` load."""

from __future__ import annotations

import os
import sys

from leadferry import config

config.share_metrics()  # before anything counts

from leadferry.web import create_app  # noqa: E402

try:
    app = create_app(config.load())
except config.SettingsError as error:
    print(f"leadferry: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(4)  # by which gunicorn knows that starting the process once more is no use

if os.environ.get("FLASK_RUN_FROM_CLI"):  # a server needs none of the commands, nor the tenths of a second they take
    from leadferry import cli

    cli.register(app)
