"""Resize a warehouse: ask AWS which way leads there and what it means, then take the steps."""

from __future__ import annotations

from typing import assert_never

from autopilot.aws import resizing, warehouses
from autopilot.domain.inputs import ResizeInput, decode, reference_of
from autopilot.domain.steps import Look, Resize, ResizePlan
from autopilot.runtime.handler import handler

PERMISSIONS = resizing.PERMISSIONS


@handler(Look | Resize)
def handle(call: Look | Resize) -> ResizePlan | resizing.Resized:
    """The steps of `resize_warehouse` that need a decision."""
    match call:
        case Look():
            return look(decode(ResizeInput, call.input))
        case Resize():
            return resizing.resize(call)
        case _:
            assert_never(call)


def look(asked: ResizeInput) -> ResizePlan:
    """What would be done, and what it would mean. Raises ResizeRefused for a size that only a forbidden way reaches."""
    seen = warehouses.get(reference_of(asked.warehouse))
    return ResizePlan.of_way(seen, resizing.plan(seen, asked), asked)
