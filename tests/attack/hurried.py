"""The product's worker, with less patience than a test has."""

from __future__ import annotations

from leadferry import gunicorn_worker

gunicorn_worker.SILENT_SECONDS = gunicorn_worker.HEAD_SECONDS = gunicorn_worker.BODY_SECONDS = 0.5
gunicorn_worker.LEAVE_SECONDS = 0.5


class HurriedWorker(gunicorn_worker.WholeRequestWorker):
    pass
