"""The same few primitives on an object store: ``s3://bucket/prefix``; a commit is one conditional PUT.

Nothing is staged on the object store. What would be a staging file stays in this process's memory, and where
a local store links it to a name that must be free, here it is PUT under that name with ``If-None-Match: *``,
which the service refuses with 412 when the name exists. An object appears whole or not at all, and is there
for every reader once the PUT is answered, so there is nothing to force to disk. A PUT whose answer was lost
is sent again and then finds itself: each carries who wrote it.

Source of the promise: Amazon S3 user guide, conditional writes (``If-None-Match`` of PutObject, since August
2024). Services that do not keep it are refused by the probe that ``Store.create`` makes. The client is a few
lines of HTTP, signed as AWS Signature Version 4 has it, so that no package is needed; its settings are those
of every such client: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
AWS_ENDPOINT_URL.
"""

import datetime
import email.utils
import errno
import hashlib
import hmac
import http.client
import os
import secrets
import stat
import time
import urllib.parse
import xml.etree.ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gridsweep.store.errors import StoreError
from gridsweep.store.fs import FS

if TYPE_CHECKING:
    import pyarrow.fs

SCHEME = "s3:"
TIMEOUT_S = 60.0
# How often a request is sent again when the service is busy or the line breaks, waiting ever longer.
TRIES = 6
FIRST_WAIT_S = 0.2
WRITER = "x-amz-meta-writer"
_BUSY = (409, 429, 500, 502, 503, 504)


def is_s3(path: str | Path) -> bool:
    """Whether a path is of an object store."""
    return str(path).startswith(SCHEME)


def s3_root(path: str | Path) -> Path:
    """Returns the path of a store at ``s3://bucket/prefix``, as its names have it: ``s3:/bucket/prefix``."""
    words = [word for word in str(path).removeprefix(SCHEME).split("/") if word]
    if len(words) < 2 or any(word in (".", "..") for word in words):
        raise StoreError(f"{path}: expected s3://BUCKET/PREFIX")
    return Path(f"{SCHEME}/{'/'.join(words)}")


@dataclass(frozen=True)
class Service:
    """Where an object store is, and who asks."""

    endpoint: urllib.parse.SplitResult
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)

    @classmethod
    def of_environment(cls) -> "Service":
        """Returns what the usual variables say. Raises StoreError when there is no key among them."""
        said = os.environ.get
        region = said("AWS_REGION") or said("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint = (
            said("AWS_ENDPOINT_URL_S3") or said("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
        )
        access_key, secret_key = said("AWS_ACCESS_KEY_ID", ""), said("AWS_SECRET_ACCESS_KEY", "")
        if not access_key or not secret_key:
            raise StoreError(
                "s3: no key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, "
                "AWS_REGION, AWS_ENDPOINT_URL where they apply)"
            )
        parts = urllib.parse.urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
            raise StoreError(f"AWS_ENDPOINT_URL: found {endpoint!r}, expected http(s)://HOST[:PORT]")
        return cls(parts, region, access_key, secret_key, said("AWS_SESSION_TOKEN", ""))


@dataclass(frozen=True)
class Answer:
    """What the service said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class S3FS(FS):
    """An object store as a file system of whole objects. Paths begin with ``s3:/bucket``."""

    local = False

    def __init__(self, service: Service | None = None) -> None:
        self.service = service or Service.of_environment()
        self._staged: dict[Path, bytes] = {}

    def __reduce__(self) -> tuple[type, tuple[()]]:
        raise TypeError("an S3FS holds a secret: open the store again where it is needed")

    # Files

    def write_new(self, path: Path, data: bytes | memoryview) -> None:
        """Keeps what is staged in memory; anything else is put if its name is free."""
        if _is_staging(path):
            self._staged[path] = bytes(data)
        elif not self._put_new(path, bytes(data), secrets.token_hex(8)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))

    def link(self, source: Path, target: Path) -> bool:
        """Puts a file under a second name unless the name is taken; returns whether it is now ours."""
        return self._put_new(target, self.read(source), source.name)

    def replace(self, source: Path, target: Path) -> None:
        """Puts a file under another name, over whatever is there, and removes it under its own."""
        data = self.read(source)
        if _is_staging(target):
            self._staged[target] = data
        else:
            self._ask("PUT", target, data=data)
        self.unlink(source)

    def append(self, path: Path, text: str) -> None:
        """Puts a file once more, with more at its end."""
        before = self.read(path) if self.stat(path) else b""
        self._ask("PUT", path, data=before + text.encode())

    def unlink(self, path: Path) -> None:
        """Removes a name; a name that is gone already is as good."""
        if self._staged.pop(path, None) is None:
            self._ask("DELETE", path, allowed=(404,))

    def read(self, path: Path) -> bytes:
        """Returns a file's bytes."""
        if path in self._staged:
            return self._staged[path]
        return self._ask("GET", path).body

    def read_tail(self, path: Path, size: int) -> bytes:
        """Returns at most the last ``size`` bytes of a file."""
        if size <= 0 or path in self._staged:
            return self.read(path)[-size:] if size > 0 else b""
        return self._ask("GET", path, headers={"range": f"bytes=-{size}"}).body[-size:]

    def stat(self, path: Path) -> os.stat_result | None:
        """Returns size and time of an object, or a folder if there is anything below; None when absent."""
        if path in self._staged:
            return _stat(stat.S_IFREG, len(self._staged[path]), time.time())
        found = self._ask("HEAD", path, allowed=(404,))
        if found.status != 404:
            when = email.utils.parsedate_to_datetime(found.headers["last-modified"]).timestamp()
            return _stat(stat.S_IFREG, int(found.headers["content-length"]), when)
        return _stat(stat.S_IFDIR, 0, 0.0) if any(self._list(path, at_most=1)) else None

    # Folders: there are none, only names with a slash in them.

    def names(self, path: Path) -> list[str]:
        """Returns the names in a folder, sorted; none when it does not exist."""
        staged = {staged.name for staged in self._staged if staged.parent == path}
        return sorted({*self._list(path), *staged})

    def fsync_dir(self, path: Path) -> None:
        """Does nothing: an answered PUT is durable."""

    def make_dir(self, path: Path) -> None:
        """Does nothing."""

    def arrow(self) -> "pyarrow.fs.FileSystem":
        """Returns Arrow's own client of the same service, for scans that read some columns only."""
        from pyarrow.fs import S3FileSystem

        return S3FileSystem(
            access_key=self.service.access_key,
            secret_key=self.service.secret_key,
            session_token=self.service.token or None,
            region=self.service.region,
            scheme=self.service.endpoint.scheme,
            endpoint_override=self.service.endpoint.netloc,
        )

    def arrow_path(self, path: Path) -> str:
        """Returns ``bucket/key``."""
        return path.relative_to(f"{SCHEME}/").as_posix()

    # Requests

    def _put_new(self, path: Path, data: bytes, writer: str) -> bool:
        headers = {"if-none-match": "*", WRITER: writer}
        if self._ask("PUT", path, data=data, headers=headers, allowed=(412,)).status != 412:
            return True
        # Refused: perhaps because an earlier try of this very request arrived and its answer did not.
        found = self._ask("HEAD", path, allowed=(404,))
        return found.status != 404 and found.headers.get(WRITER) == writer

    def _list(self, path: Path, *, at_most: int = 1000) -> Iterator[str]:
        bucket, prefix = _bucket_and_key(path)
        query = {
            "list-type": "2",
            "prefix": f"{prefix}/" if prefix else "",
            "delimiter": "/",
            "max-keys": str(at_most),
        }
        while True:
            answer = self._ask("GET", Path(f"{SCHEME}/{bucket}"), query=query)
            page = xml.etree.ElementTree.fromstring(answer.body)
            space = page.tag[: page.tag.index("}") + 1] if "}" in page.tag else ""
            found = [element.text or "" for element in page.iterfind(f"{space}Contents/{space}Key")]
            found += [element.text or "" for element in page.iterfind(f"{space}CommonPrefixes/{space}Prefix")]
            yield from (name for key in found if (name := key[len(query["prefix"]) :].rstrip("/")))
            token = page.findtext(f"{space}NextContinuationToken")
            if page.findtext(f"{space}IsTruncated") != "true" or not token or at_most == 1:
                return
            query["continuation-token"] = token

    def _ask(
        self,
        method: str,
        path: Path,
        *,
        data: bytes = b"",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allowed: tuple[int, ...] = (),
    ) -> Answer:
        """Sends a request until it is answered. Raises OSError for what is neither a success nor allowed."""
        wait_s, why = FIRST_WAIT_S, ""
        for _ in range(TRIES):
            try:
                answer = self._send(method, path, data, query or {}, headers or {})
            except (OSError, http.client.HTTPException) as error:
                why = str(error) or type(error).__name__
            else:
                if answer.status < 300 or answer.status in allowed:
                    return answer
                if answer.status not in _BUSY:
                    raise _refusal(answer, path)
                why = f"status {answer.status}"
            time.sleep(wait_s)
            wait_s *= 2
        place = self.service.endpoint.netloc
        raise OSError(errno.EIO, f"{place} did not answer {TRIES} times: {why}", str(path))

    def _send(
        self, method: str, path: Path, data: bytes, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        bucket, key = _bucket_and_key(path)
        target = urllib.parse.quote(f"/{bucket}/{key}" if key else f"/{bucket}")
        words = "&".join(
            f"{urllib.parse.quote(name, safe='')}={urllib.parse.quote(value, safe='')}"
            for name, value in sorted(query.items())
        )
        signed = sign(self.service, method, target, words, data, headers)
        secure = self.service.endpoint.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = make(self.service.endpoint.netloc, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{target}?{words}" if words else target, body=data, headers=signed)
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()


def sign(
    service: Service,
    method: str,
    target: str,
    query: str,
    data: bytes,
    headers: Mapping[str, str],
    *,
    now: datetime.datetime | None = None,
) -> dict[str, str]:
    """Returns the headers of a request with its signature.

    Args:
        service: who asks, and whom.
        method: GET, PUT, …
        target: the path, quoted.
        query: the query, quoted and sorted.
        data: the body.
        headers: further headers, names in lower case.
        now: the time, for tests.

    Source: AWS Signature Version 4, for S3: the canonical request names the hash of the body.
    """
    moment = (now or datetime.datetime.now(datetime.UTC)).strftime("%Y%m%dT%H%M%SZ")
    body = hashlib.sha256(data).hexdigest()
    everything = {
        **headers,
        "host": service.endpoint.netloc,
        "x-amz-content-sha256": body,
        "x-amz-date": moment,
    }
    if service.token:
        everything["x-amz-security-token"] = service.token
    names = sorted(everything)
    lines = "".join(f"{name}:{everything[name].strip()}\n" for name in names)
    request = "\n".join([method, target, query, lines, ";".join(names), body])
    scope = f"{moment[:8]}/{service.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{service.secret_key}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={service.access_key}/{scope}"
    everything["authorization"] = (
        f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return everything


def _is_staging(path: Path) -> bool:
    return path.parent.name == "staging"


def _bucket_and_key(path: Path) -> tuple[str, str]:
    bucket, *words = path.relative_to(SCHEME).parts
    return bucket, "/".join(words)


def _stat(kind: int, size: int, when_s: float) -> os.stat_result:
    return os.stat_result((kind | 0o644, 0, 0, 1, 0, 0, size, when_s, when_s, when_s))


def _refusal(answer: Answer, path: Path) -> OSError:
    if answer.status == 404:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    said = ""
    if answer.body:
        try:
            document = xml.etree.ElementTree.fromstring(answer.body)
            said = ": ".join(
                filter(None, (document.findtext(".//{*}Code"), document.findtext(".//{*}Message")))
            )
        except xml.etree.ElementTree.ParseError:
            said = ""
    code = errno.EACCES if answer.status in (401, 403) else errno.EIO
    return OSError(code, f"the object store answered {answer.status} {said}".strip(), str(path))
