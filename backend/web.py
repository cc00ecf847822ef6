"""The web page: the files that `make web` built, read once. Nothing else can be asked for, whatever a path says."""

import gzip
import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

PAGES: Final = ("projects", "trainers", "aggregators", "quote", "create")
"""First parts of the paths that the page itself routes (`web/src/router.ts`): each answers `index.html`."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
"""Nothing from elsewhere, nothing inline, in nobody's frame."""

_HASHED: Final = "assets/"
"""Files below have a hash of their content in their name."""

_NOT_BUILT: Final = """The web page is not built here; the API is under /v1 (/openapi.json describes it).
`make web` builds the page. STEELYARD_BACKEND_WEB names its folder where it lies elsewhere. Then start again.
"""


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file to serve. `compressed` is None where that would not be smaller."""

    body: bytes
    compressed: bytes | None
    media_type: str
    tag: str
    cache_control: str


def load_web(folder: Path) -> dict[str, WebFile]:
    """All files of a folder by their paths below it, or none where there is no `index.html`."""
    folder = folder.resolve()
    if not (folder / "index.html").is_file():
        return {}
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.resolve().is_relative_to(folder))
    return {path.relative_to(folder).as_posix(): _load_file(path, folder) for path in paths}


def build_web_router(files: Mapping[str, WebFile]) -> APIRouter:
    """A route for each file, and the page under every path that it routes by itself."""
    router = APIRouter(include_in_schema=False)

    def add(path: str, answer: Callable[[Request], Response]) -> None:
        async def get_file(request: Request) -> Response:
            return answer(request)

        router.add_api_route(path, get_file, methods=["GET", "HEAD"], response_class=Response)

    for name, file in files.items():
        add(f"/{name}", partial(_answer, file))
    if "index.html" not in files:
        add("/", lambda _: Response(_NOT_BUILT, 404, media_type="text/plain"))
        return router
    add("/", partial(_answer, files["index.html"]))
    for page in PAGES:
        for path in (f"/{page}", f"/{page}/{{rest:path}}"):
            add(path, partial(_answer, files["index.html"]))
    return router


def _load_file(path: Path, folder: Path) -> WebFile:
    body = path.read_bytes()
    compressed = gzip.compress(body, mtime=0)
    hashed = path.relative_to(folder).as_posix().startswith(_HASHED)
    return WebFile(
        body=body,
        compressed=compressed if len(compressed) < len(body) else None,
        media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        tag=hashlib.sha256(body).hexdigest()[:32],
        cache_control="public, max-age=31536000, immutable" if hashed else "no-cache",
    )


def _answer(file: WebFile, request: Request) -> Response:
    compressed = file.compressed if "gzip" in request.headers.get("accept-encoding", "") else None
    tag = f'"{file.tag}"' if compressed is None else f'"{file.tag}-gzip"'
    headers = {**HEADERS, "ETag": tag, "Cache-Control": file.cache_control}
    if tag in (each.strip() for each in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    if compressed is not None:
        headers["Content-Encoding"] = "gzip"
    return Response(file.body if compressed is None else compressed, headers=headers, media_type=file.media_type)
