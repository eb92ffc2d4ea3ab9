"""Requests and answers of the `query` and `json` protocols, read and written as botocore's service models describe them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.utils import parse_timestamp

from sandbox.kernel import ApiError

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SIGNING_FIELDS = re.compile(r"(?i)action|version|x-amz-.*|awsaccesskeyid|signature.*|timestamp|securitytoken")


class Codec(Protocol):
    """How one protocol looks on the wire. `read` raises ApiError for what cannot be read at all."""

    content_type: str
    invalid_code: str

    def read(self, operation: OperationModel, body: bytes, /) -> dict[str, Any]: ...
    def write(self, operation: OperationModel, answer: Mapping[str, Any], request_id: str, /) -> bytes: ...
    def write_error(self, code: str, message: str, status: int, request_id: str, /) -> bytes: ...


def codec_for(model: ServiceModel) -> Codec:
    """The codec of the protocol that the service speaks."""
    return JsonCodec(model) if model.metadata["protocol"] == "json" else QueryCodec(model)


class JsonCodec:
    """AWS JSON 1.1."""

    content_type = "application/x-amz-json-1.1"
    invalid_code = "ValidationException"

    def __init__(self, model: ServiceModel) -> None:
        self._model = model

    def read(self, operation: OperationModel, body: bytes) -> dict[str, Any]:
        try:
            document = json.loads(body or b"{}")
        except ValueError as error:
            raise ApiError("SerializationException", f"The request is not valid JSON: {error}") from error
        if not isinstance(document, dict):
            raise ApiError("SerializationException", "The request must be a JSON object.")
        if operation.input_shape is None:
            return {}
        value: dict[str, Any] = self._from_json(operation.input_shape, document, "")
        return value

    def write(self, operation: OperationModel, answer: Mapping[str, Any], _request_id: str) -> bytes:
        shape = operation.output_shape
        return json.dumps({} if shape is None else _to_json(shape, answer)).encode()

    def write_error(self, code: str, message: str, _status: int, _request_id: str) -> bytes:
        # The error shapes of these services differ in the case of `message`; an SDK reads the one it knows.
        return json.dumps({"__type": code, "message": message, "Message": message}).encode()

    def _from_json(self, shape: Shape, value: Any, path: str) -> Any:
        match shape:
            case StructureShape() if isinstance(value, dict):
                return self._structure(shape, value, path)
            case ListShape() if isinstance(value, list):
                return [self._from_json(shape.member, item, f"{path}[{index}]") for index, item in enumerate(value)]
            case MapShape() if isinstance(value, dict):
                return {key: self._from_json(shape.value, item, f"{path}.{key}") for key, item in value.items()}
            case StructureShape() | ListShape() | MapShape():
                raise ApiError("SerializationException", f"{path} must be a {shape.type_name}.")
        return _scalar_from_json(shape, value, path)

    def _structure(self, shape: StructureShape, value: dict[str, Any], path: str) -> dict[str, Any]:
        by_wire_name = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        if unknown := sorted(set(value) - set(by_wire_name)):
            raise ApiError(self.invalid_code, f"{path or self._model.service_name} has no field {', '.join(unknown)}.")
        return {
            by_wire_name[key]: self._from_json(shape.members[by_wire_name[key]], item, f"{path}.{key}" if path else key)
            for key, item in value.items()
            if item is not None
        }


def _scalar_from_json(shape: Shape, value: Any, path: str) -> Any:
    """The value in Python's terms. A value of a wrong type is left as it is: the validator names it."""
    match shape.type_name:
        case "timestamp":
            return _read(parse_timestamp, value, path, "timestamp", "SerializationException")
        case "blob":
            return _read(base64.b64decode, value, path, "base64 text", "SerializationException")
        case "integer" | "long" if isinstance(value, float) and value.is_integer():
            return int(value)
    return value


def _to_json(shape: Shape, value: Any) -> Any:
    match shape:
        case StructureShape():
            return {wire: _to_json(member, item) for wire, member, item in _present(shape, value)}
        case ListShape():
            return [_to_json(shape.member, item) for item in value]
        case MapShape():
            return {key: _to_json(shape.value, item) for key, item in value.items()}
    match shape.type_name:
        case "timestamp" if shape.serialization.get("timestampFormat") == "iso8601":
            return _iso(value)
        case "timestamp":
            return round(_aware(value).timestamp(), 3)
        case "blob":
            return base64.b64encode(value).decode()
    return value


class QueryCodec:
    """AWS query: a form goes in, XML comes out."""

    content_type = "text/xml"
    invalid_code = "InvalidParameterValue"

    def __init__(self, model: ServiceModel) -> None:
        self._namespace = model.metadata["xmlNamespace"]

    def read(self, operation: OperationModel, body: bytes) -> dict[str, Any]:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        form = _Form({name: value for name, value in fields.items() if not _SIGNING_FIELDS.fullmatch(name)})
        value: dict[str, Any] = (form.read(operation.input_shape, "") if operation.input_shape else None) or {}
        if unknown := form.unread():
            raise ApiError(self.invalid_code, f"{operation.name} has no parameter {', '.join(unknown)}.")
        return value

    def write(self, operation: OperationModel, answer: Mapping[str, Any], request_id: str) -> bytes:
        inner = ""
        if isinstance(operation.output_shape, StructureShape):
            wrapper = operation.output_shape.serialization.get("resultWrapper", f"{operation.name}Result")
            inner = f"<{wrapper}>{_members_to_xml(operation.output_shape, answer)}</{wrapper}>"
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        return f'<{operation.name}Response xmlns="{self._namespace}">{inner}{metadata}</{operation.name}Response>'.encode()

    def write_error(self, code: str, message: str, status: int, request_id: str) -> bytes:
        kind = "Sender" if status < 500 else "Receiver"
        error = f"<Error><Type>{kind}</Type><Code>{_text(code)}</Code><Message>{_text(message)}</Message></Error>"
        return f'<ErrorResponse xmlns="{self._namespace}">{error}<RequestId>{request_id}</RequestId></ErrorResponse>'.encode()


class _Form:
    """The fields of a query request, `Tags.Tag.1.Key=...`, read along a shape. It knows what was never read."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields
        self._read: set[str] = set()

    def unread(self) -> list[str]:
        return sorted(set(self._fields) - self._read)

    def read(self, shape: Shape, prefix: str) -> Any:
        """The value under the prefix, or None when no field belongs to it."""
        match shape:
            case StructureShape():
                return self._structure(shape, prefix)
            case ListShape():
                return self._list(shape, prefix)
            case MapShape():
                return self._map(shape, prefix)
        return _scalar_from_text(shape, self._take(prefix), prefix) if prefix in self._fields else None

    def _take(self, name: str) -> str:
        self._read.add(name)
        return self._fields[name]

    def _has(self, prefix: str) -> bool:
        return any(name == prefix or name.startswith(f"{prefix}.") for name in self._fields)

    def _structure(self, shape: StructureShape, prefix: str) -> dict[str, Any] | None:
        found = {}
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            if isinstance(member, ListShape) and member.serialization.get("flattened"):
                wire = member.member.serialization.get("name", wire)
            path = f"{prefix}.{wire}" if prefix else wire
            if self._has(path) and (value := self.read(member, path)) is not None:
                found[name] = value
        return found or None

    def _list(self, shape: ListShape, prefix: str) -> list[Any] | None:
        if self._fields.get(prefix) == "":
            self._take(prefix)
            return []
        for base in self._list_bases(shape, prefix):
            found: list[Any] = []
            while self._has(f"{base}.{len(found) + 1}"):
                found.append(self.read(shape.member, f"{base}.{len(found) + 1}"))
            if found:
                return found
        return None

    @staticmethod
    def _list_bases(shape: ListShape, prefix: str) -> list[str]:
        if shape.serialization.get("flattened"):
            return [prefix]
        # Step Functions' own integration writes `member` whatever the model calls the items.
        return [f"{prefix}.{shape.member.serialization.get('name', 'member')}", f"{prefix}.member"]

    def _map(self, shape: MapShape, prefix: str) -> dict[str, Any] | None:
        base = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
        key_name, value_name = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        found: dict[str, Any] = {}
        while f"{base}.{len(found) + 1}.{key_name}" in self._fields:
            entry = f"{base}.{len(found) + 1}"
            found[self._take(f"{entry}.{key_name}")] = self.read(shape.value, f"{entry}.{value_name}")
        return found or None


def _scalar_from_text(shape: Shape, text: str, path: str) -> Any:
    match shape.type_name:
        case "integer" | "long":
            return _read(int, text, path, "integer")
        case "float" | "double":
            return _read(float, text, path, "number")
        case "boolean":
            return _read({"true": True, "false": False}.__getitem__, text.lower(), path, "boolean")
        case "timestamp":
            return _read(parse_timestamp, text, path, "timestamp")
        case "blob":
            return _read(base64.b64decode, text, path, "base64 text")
    return text


def _read(convert: Callable[[Any], Any], value: Any, path: str, kind: str, code: str = QueryCodec.invalid_code) -> Any:
    try:
        return convert(value)
    except (ValueError, KeyError, TypeError) as error:
        raise ApiError(code, f"{path} must be a valid {kind}.") from error


def _members_to_xml(shape: StructureShape, value: Mapping[str, Any]) -> str:
    return "".join(_to_xml(member, item, wire) for wire, member, item in _present(shape, value))


def _to_xml(shape: Shape, value: Any, name: str) -> str:
    match shape:
        case StructureShape():
            return f"<{name}>{_members_to_xml(shape, value)}</{name}>"
        case ListShape() if shape.serialization.get("flattened"):
            item_name = shape.member.serialization.get("name", name)
            return "".join(_to_xml(shape.member, item, item_name) for item in value)
        case ListShape():
            item_name = shape.member.serialization.get("name", "member")
            return f"<{name}>{''.join(_to_xml(shape.member, item, item_name) for item in value)}</{name}>"
        case MapShape():
            return f"<{name}>{''.join(_entry_to_xml(shape, key, item) for key, item in value.items())}</{name}>"
    return f"<{name}>{_text(_scalar_to_text(shape, value))}</{name}>"


def _entry_to_xml(shape: MapShape, key: str, value: Any) -> str:
    key_name, value_name = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    return f"<entry>{_to_xml(shape.key, key, key_name)}{_to_xml(shape.value, value, value_name)}</entry>"


def _scalar_to_text(shape: Shape, value: Any) -> str:
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "timestamp":
            return _iso(value)
        case "blob":
            return base64.b64encode(value).decode()
    return str(value)


def _text(value: str) -> str:
    # An XML reader turns a bare carriage return into a newline and refuses control characters altogether.
    return escape(_NOT_IN_XML.sub("\ufffd", value), {"\r": "&#13;"})


def _present(shape: StructureShape, value: Mapping[str, Any]) -> list[tuple[str, Shape, Any]]:
    """(wire name, shape, value) of every member that has a value. A member the model does not know is our own mistake."""
    if unknown := sorted(set(value) - set(shape.members)):
        raise ValueError(f"{shape.name} has no member {', '.join(unknown)}")
    return [
        (member.serialization.get("name", name), member, value[name])
        for name, member in shape.members.items()
        if value.get(name) is not None
    ]


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"the timestamp {moment} has no time zone")
    return moment.astimezone(UTC)


def _iso(moment: datetime) -> str:
    return _aware(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
