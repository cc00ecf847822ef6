"""Examples in the OpenAPI description: one for every request and every answer, put together from examples of fields.

A field's own `examples` come first, then what a field of its name looks like everywhere, then the least that its
schema allows. A test holds every example against its schema.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI

from backend.errors import MEDIA_TYPE
from steelyard.rounds.project_file import ChainTerms
from steelyard.rules import DEFAULT_RULE

_ACCOUNT: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
_CONTRACT: Final = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
_WORD: Final = "0x" + "5e" * 32
_CID: Final = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
_AMOUNT: Final = "1000000000000000000"

_ACCOUNTS: Final = ("account", "address", "aggregator", "owner", "reader", "recipient", "sender", "from", "trainer")
_CONTRACTS: Final = ("marketplace", "rule", "to", "token", "verifier")
_WORDS: Final = (
    "block_hash",
    "commitment_hash",
    "hybrid_digest",
    "key",
    "project_id",
    "transaction_hash",
    "opened_transaction",
    "settled_transaction",
    "closed_transaction",
)
_CIDS: Final = ("aggregate_cid", "cid", "initial_model", "manifest_cid", "spec_cid")
_NUMBERS: Final = ("chainId", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "value")

BY_NAME: Final[Mapping[str, object]] = {
    **dict.fromkeys(_ACCOUNTS, _ACCOUNT),
    **dict.fromkeys(_CONTRACTS, _CONTRACT),
    **dict.fromkeys(_WORDS, _WORD),
    **dict.fromkeys(_CIDS, _CID),
    **dict.fromkeys(_NUMBERS, "0x7a69"),
    "allowance": "0",
    "default_rule": DEFAULT_RULE.name,
    "rule_name": DEFAULT_RULE.name,
    "domain": "steelyard.example",
    "uri": "https://steelyard.example",
    "login_origin": "https://steelyard.example",
    "explorer_url": "https://explorer.example",
    "public_rpc_url": "https://rpc.example",
    "excluded": "none",
    "left": "none",
    "indexer": "live",
    "keeper": "ok",
    "kind": "share",
    "outcome": "final",
    "state": "running",
    "status": "ok",
    "error": None,
    "next": "MTIuMw",
    "name": "ProjectCreated",
    "nonce": "4T7ZkqPqYx2mWc9LrVbN8sHd",
    "primaryType": "Permit",
    "raw": "0x02f86c827a69",
    "srs_digest": "5e" * 32,
    "symbol": "STEEL",
    "text": '{"format": "steelyard-evaluation/1", …}',
    "title": "Hand-written digits",
    "type": "0x2",
    "data": "0xbe9a6555",
    "message": "steelyard.example wants you to sign in with your Ethereum account:\n…",
    "expires_at": 1_900_000_000,
    "created_at": 1_800_000_000,
    "issued_at": 1_800_000_000,
    "timestamp": 1_800_000_000,
    "deadline": 1_900_000_000,
    "chain_id": 31_337,
    "block_number": 12,
    "dimension": 100_000,
    "accuracy": 0.93,
    "loss": 0.21,
}
"""What a field of a name looks like, wherever its schema allows that."""

BY_SCHEMA: Final[Mapping[str, object]] = {
    "ChainTerms": ChainTerms(
        budget="1000000000000000000000",
        rounds=5,
        min_trainers=5,
        max_trainers=7,
        min_stake="50000000000000000000",
        aggregator_stake="50000000000000000000",
    ).model_dump(mode="json"),
}
"""Schemas whose fields depend on each other."""

_PROBLEM: Final = {
    "type": "urn:steelyard:error:NotFound",
    "title": "Not Found",
    "status": 404,
    "instance": f"/v1/projects/{_WORD}",
    "detail": f"project {_WORD} is not known",
}


def describe_api(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description of an application, with examples. Made once."""
    if app.openapi_schema is None:
        description = FastAPI.openapi(app)
        schemas = description.get("components", {}).get("schemas", {})
        for path in description["paths"].values():
            for operation in path.values():
                _add_examples(operation, schemas)
        app.openapi_schema = description
    return app.openapi_schema


def _add_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    answers = operation["responses"]
    answers.pop("422", None)  # FastAPI's own description of what is a problem here, too
    for answer in (operation.get("requestBody", {}), *answers.values()):
        for media_type, content in answer.get("content", {}).items():
            if media_type == MEDIA_TYPE:
                content["example"] = _PROBLEM
            elif "json" in media_type and "schema" in content:
                content["example"] = build_example(content["schema"], schemas)


def build_example(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "") -> Any:
    """A value that a JSON schema allows.

    Args:
      schemas: what `$ref` may name.
      name: of the field that the value is for.
    """
    if "$ref" in schema:
        of = schema["$ref"].rpartition("/")[2]
        return BY_SCHEMA[of] if of in BY_SCHEMA else build_example(schemas[of], schemas, name)
    given = [schema[key] for key in ("example", "const", "default") if schema.get(key) is not None]
    given += [schema[key][0] for key in ("examples", "enum") if schema.get(key)]
    if given:
        return given[0]
    several = [schema[key][0] for key in ("anyOf", "oneOf", "allOf") if key in schema]
    if several:
        return build_example(several[0], schemas, name)
    return _build_by_type(schema, schemas, name)


def _build_by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str) -> Any:
    known = BY_NAME.get(name)
    match schema.get("type"):
        case "object":
            return _build_object(schema, schemas)
        case "array":
            items = schema.get("prefixItems") or [schema.get("items", {})] * max(1, schema.get("minItems", 1))
            return [build_example(item, schemas, name) for item in items]
        case "string":
            return known if isinstance(known, str) else "text"
        case "integer" | "number":
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema))
            return known if isinstance(known, int | float) else max(1, least)
        case "boolean":
            return True
        case _:
            return None


def _build_object(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    if properties is not None:
        return {name: build_example(field, schemas, name) for name, field in properties.items()}
    members = schema.get("additionalProperties")
    return {"key": build_example(members, schemas)} if isinstance(members, dict) else {}
