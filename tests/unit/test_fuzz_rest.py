"""Requests made from the document of the routes, good and bad: none fails the server, or gets what is not told of."""

import asyncio
import itertools
import logging
from typing import Any, TypeAlias

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from polytalk.config import Limits
from tests.support.server import serving

Operation: TypeAlias = "APIOperation[Any, Any, Any, Any]"

EXAMPLES = 6
"""Of each kind and route."""
PATIENCE = 20.0
SOCKETS = {"/v1/realtime", "/v1/realtime/media"}
"""A plain request finds nothing there."""


async def test_no_request_fails_the_server_or_is_answered_as_the_document_does_not_say(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(limits=Limits(max_body_bytes=20_000)) as server:
        async with httpx.AsyncClient() as http:
            document = (await http.get(f"{server.http}/openapi.json")).json()
        tried, wrong = await asyncio.to_thread(try_all, document, server.http)
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{server.http}/readyz")).status_code == 200
    assert tried > 3 * EXAMPLES * 10
    assert not wrong, "\n".join(sorted(wrong))
    assert not [record.message for record in caplog.records if record.levelno >= logging.ERROR]


def try_all(document: dict[str, Any], url: str) -> tuple[int, set[str]]:
    """How many requests were sent, and what was wrong with answers."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(document)
    wrong: set[str] = set()
    tried = 0
    with requests.Session() as session:
        for found, mode in itertools.product(schema.get_all_operations(), GenerationMode):
            operation = found.ok()
            if operation.path in SOCKETS or (mode is GenerationMode.NEGATIVE and not _bounded(operation)):
                continue
            tried += EXAMPLES
            _try(operation, mode, url, session, wrong)
    return tried, wrong


def _bounded(operation: Operation) -> bool:
    """Whether anything about a request could be wrong; any text may stand in a path."""
    definition = operation.definition.raw
    return "requestBody" in definition


def _try(
    operation: Operation,
    mode: GenerationMode,
    url: str,
    session: requests.Session,
    wrong: set[str],
) -> None:
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def one(case: "Case[Any]") -> None:
        answer = case.call(base_url=url, session=session, timeout=PATIENCE)
        what = f"{operation.label}: {answer.status_code} {answer.text[:200]}"
        if answer.status_code >= 500 and answer.status_code != 503:
            wrong.add(what)
        try:
            case.validate_response(answer, checks=[status_code_conformance, content_type_conformance])
        except FailureGroup as group:
            wrong.update(f"{what}: {error}" for error in group.exceptions)
        except Failure as error:
            wrong.add(f"{what}: {error}")

    one()
