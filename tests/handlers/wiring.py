"""Services in memory behind the product's own boto3 clients.

botocore checks each request against the service's model before a fake sees it, and each answer of a fake is checked after, so that a fake cannot
take or say what AWS could not. DynamoDB and S3 are moto's; every call, whoever answers it, stands in one journal in the order it was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

from botocore import xform_name
from botocore.exceptions import BotoCoreError
from botocore.model import OperationModel
from botocore.validate import ParamValidator

#: Codes that services answer without naming them in their models. Source: each API reference, "Common errors".
COMMON_CODES = {
    "Throttling",
    "ThrottlingException",
    "AccessDenied",
    "AccessDeniedException",
    "InternalFailure",
    "SlowDown",
    "OptInRequired",
}


class Refusal(Exception):
    """What a service says no with: the code on the wire, its sentence and the HTTP status."""

    def __init__(self, code: str, message: str = "said the service", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass(frozen=True)
class Call:
    """One request that the product made."""

    service: str
    operation: str
    arguments: dict[str, Any]


class Fake:
    """A service in memory; each of its methods is an operation of that name. What a fake lacks may be moto's."""

    service: ClassVar[str]
    rest_is_moto: ClassVar[bool] = False


@dataclass
class Wire:
    """Between one client and its service: keeps the journal, lets calls fail, and has a fake answer where there is one."""

    client: Any
    service: str
    journal: list[Call]
    fake: Fake | None = None
    failures: dict[str, list[Refusal | BotoCoreError]] = field(default_factory=dict)
    #: Operations whose answers are too long to be checked member by member.
    unchecked: set[str] = field(default_factory=set)

    def connect(self) -> None:
        for event, handler in self._hooks():
            self.client.meta.events.register(event, handler)

    def disconnect(self) -> None:
        for event, handler in self._hooks():
            self.client.meta.events.unregister(event, handler)

    def _hooks(self) -> list[tuple[str, Any]]:
        name = self.client.meta.service_model.service_id.hyphenize()
        return [(f"provide-client-params.{name}", self._remember), (f"before-call.{name}", self._answer)]

    def _remember(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["as_asked"] = dict(params)

    def _answer(self, model: OperationModel, context: dict[str, Any], **_: Any) -> Any:
        operation, arguments = xform_name(model.name), context["as_asked"]
        self.journal.append(Call(self.service, operation, arguments))
        try:
            if waiting := self.failures.get(operation):
                raise waiting.pop(0)
            if self.fake is None or (self.fake.rest_is_moto and not hasattr(self.fake, operation)):
                return None
            answer = getattr(self.fake, operation)(**arguments)
        except Refusal as refusal:
            return self._refused(model, refusal)
        if model.output_shape is not None and operation not in self.unchecked:
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), f"{operation}: {report.generate_report()}"
        return SimpleNamespace(status_code=200), answer

    def _refused(self, model: OperationModel, refusal: Refusal) -> Any:
        modelled = {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}
        assert refusal.code in modelled | COMMON_CODES, f"{model.name} never answers {refusal.code}"
        error = {"Error": {"Code": refusal.code, "Message": str(refusal)}, "ResponseMetadata": {"HTTPStatusCode": refusal.status}}
        return SimpleNamespace(status_code=refusal.status), error
