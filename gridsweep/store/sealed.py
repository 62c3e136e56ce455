"""JSON that notices when it was cut short or altered: the last key is a hash of all before it.

Ledger entries and plans are small, immutable, and believed: one wrong digit in an entry would
point readers at nothing, or count runs that are not there. Parquet pages carry checksums; this
gives the same to the files that name them, while any JSON reader can still read them.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "sha256"
_JOINT = b',"sha256":"'
_END = b'"}\n'
_TAIL_LENGTH = len(_JOINT) + 64 + len(_END)


class BrokenSeal(ValueError):
    """The bytes are not what was sealed; the message says in which way."""


def seal(document: Mapping[str, Any], *, in_order: bool = False) -> bytes:
    """Returns the document as canonical JSON with its hash as the last key.

    Args:
        document: what is to be kept.
        in_order: keep the keys in their order, where that means something; otherwise they are sorted.

    Raises ValueError for an empty document, a key named like the seal, NaN, or a value that is not JSON.
    """
    if SEAL in document or not document:
        raise ValueError(f"a document needs keys, and none may be {SEAL!r}")
    try:
        text = json.dumps(
            document, sort_keys=not in_order, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        body = text.encode()
    except (TypeError, UnicodeEncodeError) as error:
        raise ValueError(f"not JSON: {error}") from error
    return body[:-1] + _JOINT + digest(body).encode() + _END


def unseal(data: bytes) -> dict[str, Any]:
    """Returns what was sealed, without the seal. Raises BrokenSeal if the bytes were changed."""
    body, tail = data[:-_TAIL_LENGTH] + b"}", data[-_TAIL_LENGTH:]
    if not tail.startswith(_JOINT) or not tail.endswith(_END):
        raise BrokenSeal(
            f"{len(data)} bytes that do not end in a seal: cut short, or not written by gridsweep"
        )
    found, right = digest(body), tail[len(_JOINT) : -len(_END)].decode(errors="replace")
    if found != right:
        raise BrokenSeal(f"its text hashes to {found[:12]}…, its seal says {right[:12]}…")
    return json.loads(body)


def seal_of(data: bytes) -> str:
    """Returns the hash in which sealed bytes end."""
    return data[-len(_END) - 64 : -len(_END)].decode(errors="replace")


def digest(data: bytes) -> str:
    """Returns sha256 in hex."""
    return hashlib.sha256(data).hexdigest()
