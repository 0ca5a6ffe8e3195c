"""The least that a web server of this kind can do: Flask routes that return bytes, under the same gunicorn."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

app = Flask("bare")
PAGE = Path(os.environ["BENCH_PAGE"]).read_bytes() if "BENCH_PAGE" in os.environ else b"hello"


@app.get("/f/<name>")
def page(name: str) -> bytes:  # noqa: ARG001
    return PAGE


@app.get("/healthz")
def healthz() -> str:
    return "alive"
