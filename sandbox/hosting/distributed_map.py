"""A Distributed Map as Step Functions runs it. Replaces ministack's own (see `apply`).

What ministack's does otherwise: children see the parent's context and variables, have no history, and run on when the parent is stopped;
of a JSONata Map it reads no Arguments, Output or Assign; there is no ResultWriter; results of any size are passed on; and no right is asked
for, neither to start children nor to read the items.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from ministack.services import s3
from ministack.services import stepfunctions as sfn

from sandbox.hosting import gateway, task_state
from sandbox.hosting.nested_execution import described

Json = dict[str, Any]

_GLANCE_SECONDS = 0.05
_MOST_AT_ONCE = 64
_PAYLOAD_BYTES = 262_144
_COUNTS = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "timedOut",
    "aborted",
    "total",
    "resultsWritten",
    "failuresNotRedrivable",
    "pendingRedrive",
)


def apply() -> None:
    """Put it in place, once per process."""
    run_items = sfn._run_map_items

    def run_map_items(state: Json, raw_input: Any, execution: Json, context: Json) -> Any:
        processor = state.get("ItemProcessor") or {}
        if (processor.get("ProcessorConfig") or {}).get("Mode") != "DISTRIBUTED":
            return run_items(state, raw_input, execution, context)
        gateway.acting_role.set(task_state._role_of(execution))
        return _Run(state, raw_input, execution, context).run()

    sfn._run_map_items = run_map_items


class _Run:
    """One Map Run."""

    def __init__(self, state: Json, raw_input: Any, execution: Json, context: Json) -> None:
        self.state, self.raw_input, self.execution, self.context = state, raw_input, execution, context
        self.jsonata = sfn._state_query_language(state, context) == "JSONata"
        self.effective = sfn._apply_input_path(state, raw_input, context)
        self.machine = execution["stateMachineArn"]
        self.label = state.get("Label") or sfn.new_uuid()
        self.arn = f"{self.machine.replace(':stateMachine:', ':mapRun:')}/{self.label}:{sfn.new_uuid()}"
        self.lock = threading.Lock()
        self.children: list[Json] = []

    def run(self) -> Any:
        """Output and name of the next state. Raises States.ExceedToleratedFailureThreshold."""
        self._may("states:StartExecution", self.machine)
        items = self._items()
        record = self._record(len(items))
        sfn._map_runs[self.arn] = record
        sfn._add_event(self.execution, "MapRunStarted", {"mapRunStartedEventDetails": {"mapRunArn": self.arn}})
        self._run_children(items, record)
        self._close(record, len(items))
        result = self._result()
        if self.jsonata:
            output = sfn._apply_jsonata_output(self.state, self.raw_input, self.context, result=result, default=result)
            sfn._apply_state_assign(self.state, self.raw_input, self.context, result=result)
            return output, sfn._next_or_end(self.state)
        selected = sfn._apply_result_selector(self.state, result)
        output = sfn._apply_output_path(self.state, sfn._apply_result_path(self.state, self.raw_input, selected), self.context)
        return output, sfn._next_or_end(self.state)

    # --- items

    def _items(self) -> list[Any]:
        reader = self.state.get("ItemReader")
        if reader is None:
            items = (
                sfn._apply_jsonata_template(self.state.get("Items", self.raw_input), self.raw_input, self.context)
                if self.jsonata
                else sfn._resolve_path_or_ctx(self.state.get("ItemsPath", "$"), self.effective, self.context)
            )
            return items if isinstance(items, list) else [items]
        where = self._evaluated(reader)
        if reader["Resource"].endswith("s3:getObject"):
            self._may("s3:GetObject", f"arn:aws:s3:::{where['Bucket']}/{where['Key']}", "States.ItemReaderFailed")
        else:
            self._may("s3:ListBucket", f"arn:aws:s3:::{where['Bucket']}", "States.ItemReaderFailed")
        try:
            items = sfn._read_map_items({**reader, "Parameters": where, "Arguments": None}, self.effective, self.context)
        except ValueError as error:
            raise sfn._ExecutionError("States.ItemReaderFailed", f"Attempting to parse the items failed: {error}") from error
        if not isinstance(items, list):
            raise sfn._ExecutionError("States.ItemReaderFailed", "Attempting to map over non-iterable node.")
        return items

    def _evaluated(self, part: Json) -> Json:
        """Bucket, key and prefix of a reader or writer."""
        if self.jsonata:
            evaluated: Json = sfn._apply_jsonata_template(part.get("Arguments") or {}, self.raw_input, self.context)
        else:
            evaluated = sfn._resolve_params_obj(part.get("Parameters") or {}, self.effective, self.context)
        return evaluated

    def _number(self, field: str) -> float:
        value = self.state.get(field) or 0
        return float(sfn._apply_jsonata_template(value, self.raw_input, self.context) if self.jsonata else value)

    def _may(self, action: str, arn: str, error: str = "States.Permissions") -> None:
        role = gateway.acting_role.get()
        if role and not gateway.allowed(gateway.session_arn(role), action, arn):
            raise sfn._ExecutionError(error, f"{gateway.session_arn(role)} is not authorized to perform: {action} on resource: {arn}")

    # --- children

    def _record(self, total: int) -> Json:
        counts = dict.fromkeys(_COUNTS, 0) | {"total": total, "pending": total}
        return {
            "mapRunArn": self.arn,
            "executionArn": self.execution["executionArn"],
            "status": "RUNNING",
            "startDate": sfn.now_iso(),
            "maxConcurrency": int(self._number("MaxConcurrency")),
            "toleratedFailurePercentage": self._number("ToleratedFailurePercentage"),
            "toleratedFailureCount": int(self._number("ToleratedFailureCount")),
            "itemCounts": dict(counts),
            "executionCounts": dict(counts),
            "redriveCount": 0,
            "_stateMachineArn": f"{self.machine}/{self.label}",
        }

    def _run_children(self, items: list[Any], record: Json) -> None:
        if not items:
            return
        machine = {
            **sfn._state_machines[self.machine],
            "name": f"{self.machine.rpartition(':')[2]}/{self.label}",
            "definition": json.dumps({"QueryLanguage": self.context.get("QueryLanguage", "JSONPath"), **self.state["ItemProcessor"]}),
        }
        # Known while the run lasts only: it is no state machine of its own.
        sfn._state_machines[record["_stateMachineArn"]] = machine
        try:
            workers = min(record["maxConcurrency"] or _MOST_AT_ONCE, len(items))
            with ThreadPoolExecutor(workers) as pool:
                children = [pool.submit(copy_context().run, self._run_child, index, item, record) for index, item in enumerate(items)]
                self._wait(children)
        finally:
            sfn._state_machines.pop(record["_stateMachineArn"], None)

    def _wait(self, children: list[Future[None]]) -> None:
        """Until all have ended; children of a stopped parent are stopped with it."""
        while wait(children, timeout=_GLANCE_SECONDS).not_done:
            try:
                task_state.check_running(self.execution["executionArn"])
            except task_state.ExecutionEnded:
                for waiting in children:
                    waiting.cancel()
                with self.lock:
                    for child in self.children:
                        if child["status"] == "RUNNING":
                            child.update(status="ABORTED", stopDate=sfn.now_iso())
                raise

    def _run_child(self, index: int, item: Any, record: Json) -> None:
        child = self._child(record["_stateMachineArn"], self._child_input(index, item))
        with self.lock:
            if self.execution["status"] != "RUNNING":
                return
            self.children.append(child)
            sfn._executions[child["executionArn"]] = child
            _count(record, "pending", "running")
        sfn._run_execution(child["executionArn"])
        with self.lock:
            ended = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
            _count(record, "running", ended[child["status"]])

    def _child_input(self, index: int, item: Any) -> Any:
        selector = self.state.get("ItemSelector")
        if not selector:
            return item
        context = {**self.context, "Map": {"Item": {"Index": index, "Value": item}}}
        if self.jsonata:
            return sfn._apply_jsonata_template(selector, self.raw_input, context)
        return sfn._resolve_params_obj(selector, self.effective, context)

    def _child(self, machine: str, data: Any) -> Json:
        name, text, started = sfn.new_uuid(), json.dumps(data), sfn.now_iso()
        begun = {"input": text, "roleArn": gateway.acting_role.get()}
        return {
            "executionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{name}",
            "stateMachineArn": machine,
            "name": name,
            "status": "RUNNING",
            "startDate": started,
            "stopDate": None,
            "input": text,
            "inputDetails": {"included": True},
            "output": None,
            "outputDetails": {"included": True},
            "mapRunArn": self.arn,
            "testCase": "",
            "mockAttempts": {},
            # Whether children send status events is not documented, so nobody may rely on them: none are sent.
            "sync": True,
            "events": [{"id": 1, "type": "ExecutionStarted", "timestamp": started, "executionStartedEventDetails": begun}],
        }

    # --- results

    def _close(self, record: Json, total: int) -> None:
        failed = sum(child["status"] != "SUCCEEDED" for child in self.children)
        limits = []
        if "ToleratedFailureCount" in self.state:
            limits.append(failed > record["toleratedFailureCount"])
        if "ToleratedFailurePercentage" in self.state:
            limits.append(failed * 100 > record["toleratedFailurePercentage"] * total)
        exceeded = bool(failed) and (any(limits) if limits else True)
        record.update(status="FAILED" if exceeded else "SUCCEEDED", stopDate=sfn.now_iso())
        if exceeded:
            sfn._add_event(
                self.execution, "MapRunFailed", {"mapRunFailedEventDetails": {"error": "States.ExceedToleratedFailureThreshold"}}
            )
            raise sfn._ExecutionError("States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded")
        sfn._add_event(self.execution, "MapRunSucceeded", {})

    def _result(self) -> Any:
        writer = self.state.get("ResultWriter")
        if writer and "Resource" in writer:
            return self._written(writer)
        results = [json.loads(child["output"]) if child["status"] == "SUCCEEDED" else described(child) for child in self.children]
        if len(json.dumps(results).encode()) > _PAYLOAD_BYTES:
            raise sfn._ExecutionError(
                "States.DataLimitExceeded", f"The Map Run returned a result larger than {_PAYLOAD_BYTES} bytes; use a ResultWriter"
            )
        return results

    def _written(self, writer: Json) -> Json:
        """Write the results by status, and a manifest that lists the files."""
        where = self._evaluated(writer)
        folder = f"{where['Prefix'].strip('/')}/{self.arn.rpartition(':')[2]}"
        files: dict[str, list[Json]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        for status in ("SUCCEEDED", "FAILED"):
            chosen = [child for child in self.children if (child["status"] == "SUCCEEDED") == (status == "SUCCEEDED")]
            if chosen:
                files[status].append(self._put(where["Bucket"], f"{folder}/{status}_0.json", [described(child) for child in chosen]))
        manifest = {"DestinationBucket": where["Bucket"], "MapRunArn": self.arn, "ResultFiles": files}
        self._put(where["Bucket"], f"{folder}/manifest.json", manifest)
        return {"MapRunArn": self.arn, "ResultWriterDetails": {"Bucket": where["Bucket"], "Key": f"{folder}/manifest.json"}}

    def _put(self, bucket: str, key: str, content: object) -> Json:
        self._may("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", "States.ResultWriterFailed")
        body = json.dumps(content).encode()
        status, _, answer = s3._put_object(bucket, key, body, {})
        if status >= 400:
            raise sfn._ExecutionError("States.ResultWriterFailed", bytes(answer).decode(errors="replace"))
        return {"Key": key, "Size": len(body)}


def _count(record: Json, before: str, after: str) -> None:
    for counts in (record["itemCounts"], record["executionCounts"]):
        counts[before] -= 1
        counts[after] += 1
