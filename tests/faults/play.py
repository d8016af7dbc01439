"""A play: a setup, and one act in which every call fails once."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.town import Town

Step = Callable[[Town], None]


@dataclass(frozen=True)
class Play:
    """A setup and an act. `arrange` runs without faults; `act` is struck and repeated, with the state of `arrange`.

    `is_mending`: only the act's own next run can complete its leftover work.
    """

    name: str
    arrange: Step
    act: Step
    is_mending: bool = False


def hearing(name: str, before: Step, *happenings: Callable[[Town, str], object]) -> Play:
    """Build a play whose act delivers the webhook of the last change at the provider."""

    def arrange(town: Town) -> None:
        before(town)
        for happening in happenings:
            happening(town, town.plot)
        town.news = town.provider.events[-1]
        town.webhooks = [town.news]

    return Play(f"hear of {name}", arrange, _deliver)


def _deliver(town: Town) -> None:
    assert town.news is not None
    town.hear(town.news)
