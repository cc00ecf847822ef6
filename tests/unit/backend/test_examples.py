"""Every request and every answer of the API has an example, and each is what its schema says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backend.errors import MEDIA_TYPE
from tests.unit.backend.conftest import Backend

BINARY = {"application/octet-stream", "text/event-stream"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def collect(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The described contents of all requests and answers, by place."""
    found = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parts = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for part, described in parts.items():
                for media_type, content in described.get("content", {}).items():
                    found[f"{method} {path} {part} {media_type}"] = content
    return found


@pytest.mark.anyio
async def test_every_request_and_answer_has_an_example_that_fits_its_schema(backend: Backend) -> None:
    description: Any = await backend.get("/openapi.json")
    described = collect(description)
    json_contents = {place: each for place, each in described.items() if "json" in place and "schema" in each}
    assert len(json_contents) > 60
    for place, content in json_contents.items():
        assert "example" in content, place
        schema = content["schema"] | {"components": description["components"]}
        faults = [
            f"{error.json_path}: {error.message}"
            for error in Draft202012Validator(schema).iter_errors(content["example"])
        ]
        assert faults == [], place
    without = {place.rpartition(" ")[2] for place, each in described.items() if "example" not in each}
    assert without <= BINARY | {"application/json"}
    assert any(MEDIA_TYPE in place for place in json_contents)


@pytest.mark.anyio
async def test_examples_of_requests_are_taken(backend: Backend) -> None:
    description: Any = await backend.get("/openapi.json")
    for path in ("/v1/transactions", "/v1/drafts/validate"):
        body = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
        answer = await backend.client.post(path, json=body)
        assert "not what this route takes" not in answer.text, answer.text
