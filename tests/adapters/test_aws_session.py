"""The botocore session that all clients share."""

import pytest
from botocore import handlers
from botocore.session import Session, get_session

from chalicelib.adapters.aws_session import SERVICES, shared_session
from infra.service_models import OPERATIONS

EVENTS = sorted({event.partition(".")[0] for event, *_ in handlers.BUILTIN_HANDLERS} - {"docs"})


def handlers_of(session: Session, event: str) -> list[str]:
    found = session.get_component("event_emitter")._emitter._handlers.prefix_search(event)
    return [getattr(handler, "__qualname__", repr(handler)) for handler in found]


@pytest.mark.parametrize("service", SERVICES)
def test_shared_session_has_all_handlers_of_packaged_services(service: str) -> None:
    original = get_session()
    names = [f"{event}.{service}.{operation}" for event in EVENTS for operation in OPERATIONS[service]]
    assert [handlers_of(shared_session(), name) for name in names] == [handlers_of(original, name) for name in names]


def test_shared_session_has_no_handlers_of_other_services() -> None:
    assert handlers_of(get_session(), "before-parameter-build.s3.PutObject")
    assert len(handlers_of(shared_session(), "before-parameter-build.s3.PutObject")) < len(
        handlers_of(get_session(), "before-parameter-build.s3.PutObject")
    )


def test_shared_session_does_not_change_botocore() -> None:
    shared_session.cache_clear()
    before = list(handlers.BUILTIN_HANDLERS)
    shared_session()
    assert before == handlers.BUILTIN_HANDLERS


def test_shared_session_services_are_the_packaged_models() -> None:
    assert set(SERVICES) == set(OPERATIONS)
