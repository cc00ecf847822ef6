"""ABI values for tests: for any parameter of the contracts, a value that is not the default of its type."""

from typing import Any

from steelyard.chain.codec import encode_arguments, signature_hash

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def make_value(parameter: dict[str, Any], seed: int = 1) -> Any:
    """A raw value of the parameter's type; enums get their second member, so that they decode."""
    kind = parameter["type"]
    if kind.endswith("[]"):
        element = {**parameter, "type": kind.removesuffix("[]")}
        return [make_value(element, seed), make_value(element, seed + 1)]
    if kind == "tuple":
        if parameter["internalType"] == "struct Cid":
            return (bytes([seed]) * 32, 0x55)
        return tuple(make_value(component, seed + i) for i, component in enumerate(parameter["components"]))
    if parameter.get("internalType", "").startswith("enum "):
        return 1
    simple: dict[str, Any] = {"address": ADDRESS, "bool": True, "string": "text", "bytes": bytes([seed, 2, 3])}
    if kind in simple:
        return simple[kind]
    return bytes([seed]) * int(kind.removeprefix("bytes")) if kind.startswith("bytes") else seed


def make_values(entry: dict[str, Any]) -> list[Any]:
    """A value for each input of an event, error or function; no two alike where their types allow."""
    return [make_value(parameter, 3 + 10 * i) for i, parameter in enumerate(entry["inputs"])]


def make_log(entry: dict[str, Any], values: list[Any]) -> tuple[list[bytes], bytes]:
    """Topics and data of an event's log."""
    pairs = list(zip(entry["inputs"], values, strict=True))
    topics = [encode_arguments({"inputs": [p]}, [value]) for p, value in pairs if p["indexed"]]
    plain = [(p, value) for p, value in pairs if not p["indexed"]]
    data = encode_arguments({"inputs": [p for p, _ in plain]}, [value for _, value in plain])
    return [signature_hash(entry), *topics], data


def describe_hint(hint: Any) -> Any:
    """A type hint in the words of the ABI."""
    name = getattr(hint, "__name__", str(hint))
    if getattr(hint, "__origin__", None) is tuple:
        return [describe_hint(hint.__args__[0])]
    return {"Address": "address", "Digest": "bytes"}.get(name, name)


def describe_parameter(parameter: dict[str, Any]) -> Any:
    """A parameter in the words of `describe_hint`."""
    kind = parameter["type"]
    if kind.endswith("[]"):
        element = {"type": kind.removesuffix("[]"), "internalType": parameter["internalType"].removesuffix("[]")}
        return [describe_parameter({**parameter, **element})]
    internal = parameter["internalType"]
    if internal == "ProjectId":
        return "ProjectId"
    if internal.startswith(("enum ", "struct ")):
        return internal.split()[-1]
    if kind.startswith(("uint", "int")):
        return "int"
    return "bytes" if kind.startswith("bytes") else {"string": "str"}.get(kind, kind)
