"""The story that `make demo` tells, as a test."""

import pytest
from uuid_utils import uuid7

from infra.local.client import Fan
from infra.local.facts import StackFacts
from infra.local.story import STEPS, Story
from infra.local.subscriber import Subscriber

pytestmark = pytest.mark.cloud


def test_a_coin_finds_its_way_to_a_creator(stack: StackFacts, overlay: Subscriber) -> None:
    story = Story(stack, overlay, Fan(stack, f"ada-{uuid7()}"), creator_id=f"grace-{uuid7()}")

    figures = [line for step in STEPS for line in step(story)]

    assert len(figures) >= len(STEPS)
