"""What a play is: one act in which every call is made to fail, and something that went before it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.town import Town

Step = Callable[[Town], None]


@dataclass(frozen=True)
class Play:
    """`arrange` happens in peace; `act` is what fails, and is done again with what `arrange` left in the town.

    `is_mending`: what it leaves, its own next run takes care of, and nobody else.
    """

    name: str
    arrange: Step
    act: Step
    is_mending: bool = False


def hearing(name: str, before: Step, *happenings: Callable[[Town, str], object]) -> Play:
    """The last thing that happens is what the provider tells in the act."""

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
