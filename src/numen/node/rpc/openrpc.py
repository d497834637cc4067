"""The description of all methods, in OpenRPC's words: what `rpc.discover` gives.

Source: the OpenRPC specification, version 1.3.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from numen.node.rpc import values
from numen.node.rpc.about import CLIENT
from numen.node.rpc.table import Method, Param, Session, rows
from numen.node.rpc.values import BlockId

_REFERENCE: Final = "#/components/schemas/{name}"


def describe(methods: Mapping[str, Method]) -> dict[str, Any]:
    """Describe methods as an OpenRPC document."""
    kinds = [each.type for method in methods.values() for each in method.params]
    kinds += [method.result for method in methods.values()]
    unique = list({repr(kind): kind for kind in kinds}.values())
    schemas, components = msgspec.json.schema_components(
        unique, schema_hook=values.schema, ref_template=_REFERENCE
    )
    by_kind = dict(zip(map(repr, unique), schemas, strict=True))
    return {
        "openrpc": "1.3.2",
        "info": {"title": CLIENT.partition("/")[0], "version": CLIENT.partition("/v")[2]},
        "methods": [_method(methods[name], by_kind) for name in sorted(methods)],
        "components": {"schemas": components},
    }


def _method(method: Method, schemas: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"name": method.name, "summary": method.summary}
    if method.description:
        described["description"] = method.description
    described["paramStructure"] = "by-position"
    described["params"] = [_param(each, schemas[repr(each.type)]) for each in method.params]
    described["result"] = {"name": "result", "schema": schemas[repr(method.result)]}
    return described


def _param(param: Param, schema: dict[str, Any]) -> dict[str, Any]:
    described = {"name": param.name, "required": param.is_required, "schema": schema}
    shown = default_text(param)
    if shown is not None:
        described["schema"] = {**schema, "default": shown}
    return described


def default_text(param: Param) -> str | bool | None:
    """What is taken where a parameter is left out, as a client would write it; None for nothing."""
    default = param.default
    if isinstance(default, BlockId):
        return repr(default)
    if isinstance(default, bool):
        return default
    return hex(default) if isinstance(default, int) else None


def discover(session: Session) -> dict[str, Any]:
    """Describe all methods, in the words of OpenRPC."""
    return describe(session.methods)


METHODS = rows({"rpc.discover": discover})
