"""The story of `make demo`, run as a test."""

import pytest
from uuid_utils import uuid7

from infra.local.client import Fan
from infra.local.facts import StackFacts
from infra.local.story import STEPS, Story
from infra.local.subscriber import Subscriber

pytestmark = pytest.mark.cloud


def test_story_runs_to_its_end(stack: StackFacts, overlay: Subscriber) -> None:
    story = Story(stack, overlay, Fan(stack, f"ada-{uuid7()}"), creator_id=f"grace-{uuid7()}")

    figures = [line for step in STEPS for line in step(story)]

    assert len(figures) >= len(STEPS)
