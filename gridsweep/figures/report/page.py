"""The page as one file: template, style, program and data, and a policy by which it can reach nobody.

Names in a store may have been written by anybody. They come as JSON in which no ``<`` is left, and the
program puts them on the page as text only. A policy in the page's head lets a browser run the one program of
this package, named by its hash, and load nothing from anywhere.
"""

import base64
import hashlib
import html as escaping
import json
from importlib.resources import files
from typing import Any


def html(told: dict[str, Any]) -> str:
    """Returns the page that shows what ``payload`` returned."""
    own = files("gridsweep.figures.report")
    style, program, template = (
        own.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js", "page.html")
    )
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(program)}'"
    )
    parts = {
        "POLICY": escaping.escape(policy, quote=True),
        "TITLE": escaping.escape(told["about"]["title"]),
        "STYLE": style,
        "PROGRAM": program,
        "DATA": as_data(told),
    }
    # One pass, so that what a store says is never taken for a place to fill.
    pieces = template.split("@@")
    return "".join(parts[piece] if place % 2 else piece for place, piece in enumerate(pieces))


def as_data(told: dict[str, Any]) -> str:
    """Returns JSON that can stand inside a script element: nothing in it can end the element."""
    text = json.dumps(told, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
