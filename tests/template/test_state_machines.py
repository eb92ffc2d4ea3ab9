"""The workflows keep the rules of the house, and each rule notices a workflow that does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.template import state_machine_rules as rules
from tests.template.state_machine_rules import Definition, Rule
from tests.template.template_rules import Template
from tools import asl

MACHINES = {path.name.removesuffix(".asl.json"): path for path in asl.machine_files()}

PUT_ITEM = "arn:aws:states:::dynamodb:putItem"
WAIT_FOR = "arn:aws:states:::lambda:invoke.waitForTaskToken"
GENTLE = {"IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 5, "MaxDelaySeconds": 20, "JitterStrategy": "FULL"}

PUBLISH = {
    "Type": "Task",
    "Resource": "arn:aws:states:::events:putEvents",
    "TimeoutSeconds": 30,
    "Arguments": {"Entries": [{"Detail": "{% $merge([{'notify': true}, {'message': 'It ended.'}]) %}"}]},
}

GOOD: Definition = {
    "Comment": "Takes the lock, waits, releases the lock.",
    "QueryLanguage": "JSONata",
    "TimeoutSeconds": 3600,
    "StartAt": "Plan",
    "States": {
        "Plan": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "TimeoutSeconds": 30,
            "Assign": {"plan": "{% $states.result %}"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Was It Planned"}],
            "Next": "Take Lock",
        },
        "Take Lock": {
            "Type": "Task",
            "Resource": PUT_ITEM,
            "Arguments": {"TableName": "${TableName}", "Item": "{% $merge([$states.input, {'owner': 'me'}]) %}"},
            "TimeoutSeconds": 30,
            "Retry": [{"ErrorEquals": ["DynamoDB.ThrottlingException"], **GENTLE}],
            "Catch": [
                {"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "Publish Refusal"},
                {"ErrorEquals": ["States.ALL"], "Next": "Was It Planned"},
            ],
            "Next": "Wait",
        },
        "Wait": {
            "Type": "Task",
            "Resource": WAIT_FOR,
            "TimeoutSeconds": 600,
            "HeartbeatSeconds": 60,
            "Arguments": {"Payload": {"last_attempt": 20}},
            "Assign": {"seen": "{% $states.result %}"},
            "Retry": [
                {"ErrorEquals": ["States.HeartbeatTimeout", "LookAgain"], "IntervalSeconds": 1, "MaxAttempts": 20, "BackoffRate": 1},
                {"ErrorEquals": ["Throttled", "Lambda.ServiceException", "Lambda.SdkClientException"], **GENTLE},
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Was It Planned"}],
            "Next": "Is It Done",
        },
        "Is It Done": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.done %}", "Next": "Release Lock"}],
            "Default": "Release Lock After Failure",
        },
        "Was It Planned": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $exists($plan) %}", "Next": "Release Lock After Failure"}],
            "Default": "Publish Failure",
        },
        "Release Lock": {"Type": "Task", "Resource": PUT_ITEM, "TimeoutSeconds": 30, "Next": "Publish End"},
        "Release Lock After Failure": {"Type": "Task", "Resource": PUT_ITEM, "TimeoutSeconds": 30, "Next": "Publish Failure"},
        "Publish End": {**PUBLISH, "Next": "Done"},
        "Publish Failure": {**PUBLISH, "Next": "Failed"},
        "Publish Refusal": {**PUBLISH, "Next": "Locked"},
        "Done": {"Type": "Succeed"},
        "Failed": {"Type": "Fail", "Error": "{% $error %}"},
        "Locked": {"Type": "Fail", "Error": "WarehouseNotReady", "Cause": "another execution holds the lock"},
    },
}

Break = Callable[[Definition], Any]


def _set(name: str, key: str, value: object) -> Break:
    return lambda definition: definition["States"][name].update({key: value})


def _remove(name: str, key: str) -> Break:
    return lambda definition: definition["States"][name].pop(key)


def _retry(index: int, **changes: object) -> Break:
    return lambda definition: definition["States"]["Wait"]["Retry"][index].update(changes)


#: What is done to the good workflow, which rule must see it, and what it must say.
BREAKS: list[tuple[Rule, Break, str]] = [
    (rules.says_what_it_is, lambda d: d.pop("Comment"), "the workflow has no Comment"),
    (rules.says_what_it_is, lambda d: d.pop("TimeoutSeconds"), "the workflow has no TimeoutSeconds"),
    (rules.says_what_it_is, lambda d: d.pop("QueryLanguage"), "QueryLanguage is not JSONata"),
    (rules.tasks_are_bounded, _remove("Release Lock", "TimeoutSeconds"), "Release Lock: no TimeoutSeconds"),
    (rules.waits_look_again, _remove("Wait", "HeartbeatSeconds"), "Wait: waits for a callback without HeartbeatSeconds"),
    (rules.waits_look_again, _set("Wait", "HeartbeatSeconds", 600), "Wait: HeartbeatSeconds 600 is not below"),
    (rules.waits_look_again, _set("Wait", "Retry", []), "Wait: no Retry of States.HeartbeatTimeout"),
    (rules.waits_look_again, lambda d: d["States"]["Wait"]["Retry"][0].pop("MaxAttempts"), "Wait: no Retry of States.HeartbeatTimeout"),
    (rules.waits_look_again, _retry(0, MaxAttempts=19), "Wait: the function is told that attempt 20 is the last"),
    (rules.retries_are_named_and_gentle, _retry(1, ErrorEquals=["States.ALL"]), "Wait: retries States.ALL"),
    (rules.retries_are_named_and_gentle, _retry(1, ErrorEquals=["States.TaskFailed"]), "Wait: retries States.TaskFailed"),
    (rules.retries_are_named_and_gentle, _retry(1, JitterStrategy="NONE"), "without JitterStrategy FULL"),
    (rules.retries_are_named_and_gentle, lambda d: d["States"]["Wait"]["Retry"][1].pop("MaxDelaySeconds"), "without MaxDelaySeconds"),
    (rules.errors_exist, _retry(1, ErrorEquals=["Throtled"]), "Wait: nothing raises Throtled"),
    (rules.errors_exist, _retry(1, ErrorEquals=["States.Heartbeat"]), "Wait: nothing raises States.Heartbeat"),
    (rules.errors_exist, _retry(1, ErrorEquals=["Lambda.ServiceFault"]), "Wait: nothing raises Lambda.ServiceFault"),
    (rules.errors_exist, _retry(1, ErrorEquals=["DynamoDB.ThrottlingException"]), "Wait: nothing raises DynamoDB.ThrottlingException"),
    (rules.errors_exist, _set("Take Lock", "Resource", "arn:aws:states:::aws-sdk:dynamodb:putItem"), "nothing raises DynamoDB.Cond"),
    (rules.errors_exist, _set("Take Lock", "Resource", "arn:aws:states:::dynamodb:getItem"), "nothing raises DynamoDB.Cond"),
    (rules.errors_exist, _set("Locked", "Error", "Locked"), "Locked: fails with Locked"),
    (rules.states_are_reachable, lambda d: d["States"]["Is It Done"].pop("Choices"), "Release Lock: cannot be reached"),
    (rules.locks_are_released, _set("Is It Done", "Default", "Failed"), "Failed: ends the workflow while the lock is held"),
    (rules.locks_are_released, _set("Wait", "Catch", [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]), "Failed: ends the workflow"),
    (
        rules.locks_are_released,
        lambda d: d["States"]["Was It Planned"]["Choices"][0].update(Condition="{% $exists($seen) %}"),
        "Failed: ends",
    ),
    (rules.locks_are_released, lambda d: d["States"]["Plan"]["Catch"][0].update(Next="Take Lock"), "Failed: ends the workflow"),
    (rules.locks_are_released, _remove("Wait", "Catch"), "Wait: an error there ends the workflow while the lock is held"),
    (rules.locks_are_released, lambda d: d["States"]["Wait"].update(End=True), "Wait: ends the workflow while the lock is held"),
    (rules.ends_are_published, _set("Release Lock", "Next", "Done"), "Done: ends the workflow without an event"),
    (rules.ends_are_published, _set("Was It Planned", "Default", "Failed"), "Failed: ends the workflow without an event"),
    (
        rules.ends_are_published,
        _set("Publish End", "Arguments", {"Entries": [{"Detail": {"notify": True}}]}),
        "Publish End: the event has no mess",
    ),
    (
        rules.ends_are_published,
        _set("Publish End", "Arguments", {"Entries": [{"Detail": {"message": ""}}]}),
        "Publish End: the event has no notify",
    ),
    (rules.expressions_parse, _set("Failed", "Error", "{% $states.input[ %}"), "/States/Failed/Error"),
    (rules.expressions_parse, _set("Locked", "Cause", "held by {% $owner %}"), "/States/Locked/Cause: an expression must be the whole"),
]


def _broken(how: Break) -> Definition:
    definition = copy.deepcopy(GOOD)
    how(definition)
    return definition


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", MACHINES.values(), ids=MACHINES)
def test_workflow_keeps_the_rule(path: Path, rule: Rule) -> None:
    assert rule(asl.load(path)) == []


@pytest.mark.parametrize("name", ["provision_warehouse", "pause_warehouse", "resume_warehouse"])
def test_workflow_that_changes_a_warehouse_takes_its_lock(name: str) -> None:
    assert any(item.name == "Take Lock" for item in rules.placed(asl.load(MACHINES[name])))


@pytest.mark.parametrize("path", MACHINES.values(), ids=MACHINES)
def test_template_provides_exactly_the_placeholders_of_the_workflow(path: Path, template: Template) -> None:
    uri = f"statemachines/{path.name}"
    provided = [set(item.get("DefinitionSubstitutions", {})) for item in template.machines.values() if item.get("DefinitionUri") == uri]
    assert provided == [set(asl.placeholders(path.read_text(encoding="utf-8")))]


def test_template_has_no_workflow_without_a_file(root: Path, template: Template) -> None:
    assert [item["DefinitionUri"] for item in template.machines.values() if not (root / item["DefinitionUri"]).is_file()] == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule_is_content_with_a_good_workflow(rule: Rule) -> None:
    assert rule(GOOD) == []


@pytest.mark.parametrize(("rule", "how", "complaint"), BREAKS, ids=[f"{rule.__name__}-{complaint}" for rule, _, complaint in BREAKS])
def test_rule_notices_a_broken_workflow(rule: Rule, how: Break, complaint: str) -> None:
    assert complaint in "\n".join(rule(_broken(how)))


def test_every_rule_is_shown_to_notice_a_broken_workflow() -> None:
    assert {rule for rule, *_ in BREAKS} == set(rules.RULES)


def test_rules_look_into_branches_and_map_processors() -> None:
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Task", "Resource": PUT_ITEM, "End": True}}}
    fan_out = {"Type": "Map", "ItemProcessor": inner, "End": True}
    both = {"Type": "Parallel", "Branches": [{"StartAt": "Fan Out", "States": {"Fan Out": fan_out}}], "End": True}
    assert rules.tasks_are_bounded({"StartAt": "Both", "States": {"Both": both}}) == ["Inner: no TimeoutSeconds"]
