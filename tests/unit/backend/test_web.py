"""The backend serves the built page, its files and nothing else."""

import gzip
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from backend.errors import install_error_handlers
from backend.web import PAGES, build_web_router, load_web
from scripts import generate_web_abi
from scripts.generate_web_types import TARGET, render_types

pytestmark = pytest.mark.anyio

SCRIPT = "console.log('steelyard');\n" * 50
ID = "0x" + "5e" * 32


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def make_client(folder: Path) -> httpx.AsyncClient:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(build_web_router(load_web(folder)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://backend")


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Steelyard</title>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1Ps53rDP.js").write_text(SCRIPT)
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    return make_client(folder)


@pytest.mark.parametrize(
    "path", ["/", f"/projects/{ID}", f"/projects/{ID}/rounds/0?attempt=2", *(f"/{p}" for p in PAGES)]
)
async def test_the_page_answers_under_each_path_that_it_routes(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "Steelyard" in answer.text


async def test_nothing_from_elsewhere_and_nothing_inline_is_allowed(client: httpx.AsyncClient) -> None:
    for path in ("/", "/icon.svg", "/assets/index-1Ps53rDP.js"):
        headers = (await client.get(path)).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert not {"script-src", "style-src", "connect-src"} & policy.keys()
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"


async def test_files_are_compressed_for_those_who_can_and_kept_for_ever_if_their_name_says_what_they_are(
    client: httpx.AsyncClient,
) -> None:
    path = "/assets/index-1Ps53rDP.js"
    plain = await client.get(path, headers={"accept-encoding": "identity"})
    packed = await client.get(path, headers={"accept-encoding": "gzip"})
    assert plain.text == packed.text == SCRIPT
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(gzip.compress(SCRIPT.encode(), mtime=0)) < len(SCRIPT)
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"].startswith("text/javascript")
    assert plain.headers["etag"] != packed.headers["etag"]
    assert (await client.get(path, headers={"if-none-match": packed.headers["etag"]})).status_code == 304
    assert (await client.head(path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/assets/../../secret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/assets/..%5c..%5csecret",
        "/link",
        "/assets",
        "/assets/",
        "//etc/passwd",
        "/index.html%00",
        "/v1/nothing",
    ],
)
async def test_what_is_not_a_file_of_the_folder_is_not_served(client: httpx.AsyncClient, path: str) -> None:
    url = httpx.URL("http://backend").copy_with(raw_path=path.encode())
    answer = await client.get(url)
    assert answer.status_code == 404
    assert "secret" not in answer.json().get("detail", "")
    assert "root:" not in answer.text


async def test_without_a_built_page_the_root_says_how_to_build_it(tmp_path: Path) -> None:
    client = make_client(tmp_path / "nothing")
    answer = await client.get("/")
    assert answer.status_code == 404
    assert "make web" in answer.text
    assert (await client.get(f"/projects/{ID}")).status_code == 404


async def test_the_types_of_the_page_are_those_of_the_answers() -> None:
    assert TARGET.read_text() == render_types(), "run python -m scripts.generate_web_types"


async def test_the_abi_of_the_page_is_that_of_the_contracts() -> None:
    assert generate_web_abi.FILE.read_text() == generate_web_abi.render(), "run python -m scripts.generate_web_abi"
