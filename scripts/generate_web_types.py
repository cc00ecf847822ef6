"""Writes `web/src/api/schema.ts`: the page's types of what the backend answers, from its own OpenAPI description.

Run it after a change of an answer: python -m scripts.generate_web_types
"""

import json
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from backend.app import ROUTERS

TARGET: Final = Path(__file__).parents[1] / "web" / "src" / "api" / "schema.ts"

_HEAD: Final = """// Written by scripts/generate_web_types.py from the backend's OpenAPI description. Do not edit.

export interface Page<T> {
  items: T[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  next: string | null;
}
"""
_PRIMITIVES: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def render_types() -> str:
    """The module's text: an interface for each schema, in the order of their names."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    schemas = app.openapi()["components"]["schemas"]
    named = {name: schema for name, schema in sorted(schemas.items()) if not name.startswith(("Page_", "HTTP", "Val"))}
    return "\n".join([_HEAD, *(_render_schema(name, schema) for name, schema in named.items())])


def _render_schema(name: str, schema: dict[str, Any]) -> str:
    about = schema.get("description", "").split("\n")[0]
    head = f"/** {about} */\n" if about else ""
    if "properties" not in schema:
        return f"{head}export type {name} = {_render_type(schema)};\n"
    required = set(schema.get("required", ()))
    lines = []
    for field, of in schema["properties"].items():
        if "description" in of:
            lines.append(f"  /** {of['description']} */")
        lines.append(f"  {field}{'' if field in required else '?'}: {_render_type(of)};")
    return f"{head}export interface {name} {{\n" + "\n".join(lines) + "\n}\n"


def _render_type(schema: dict[str, Any]) -> str:
    """A type expression. What the description leaves open is `unknown`."""
    match schema:
        case {"$ref": str(target)}:
            text = target.rsplit("/", 1)[1]
        case {"const": value}:
            text = json.dumps(value)
        case {"enum": values}:
            text = " | ".join(json.dumps(value) for value in values)
        case {"anyOf": choices} | {"oneOf": choices}:
            text = " | ".join(dict.fromkeys(_render_type(choice) for choice in choices))
        case {"type": "array", "items": item}:
            text = f"({inner})[]" if "|" in (inner := _render_type(item)) else f"{inner}[]"
        case {"type": "object", "additionalProperties": dict(values)}:
            text = f"Record<string, {_render_type(values)}>"
        case {"type": "object"}:
            text = "Record<string, unknown>"
        case _:
            text = _PRIMITIVES.get(str(schema.get("type")), "unknown")
    return text


def main() -> None:
    """Writes the file."""
    TARGET.write_text(render_types())


if __name__ == "__main__":
    main()
