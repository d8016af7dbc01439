"""A scenario: a setup, and one act in which every call fails once."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.simulated_system import SimulatedSystem

Step = Callable[[SimulatedSystem], None]


@dataclass(frozen=True)
class Scenario:
    """A setup and an act. `arrange` runs without faults; `act` fails and is repeated, with the state of `arrange`.

    `is_repair`: only the act's own next run can complete its leftover work.
    """

    name: str
    arrange: Step
    act: Step
    is_repair: bool = False


def webhook(name: str, before: Step, *happenings: Callable[[SimulatedSystem, str], object]) -> Scenario:
    """Build a scenario whose act delivers the webhook of the last change at the provider."""

    def arrange(system: SimulatedSystem) -> None:
        before(system)
        for happening in happenings:
            happening(system, system.current_key)
        system.stripe_event = system.provider.events[-1]
        system.webhooks = [system.stripe_event]

    return Scenario(f"hear of {name}", arrange, _deliver)


def _deliver(system: SimulatedSystem) -> None:
    assert system.stripe_event is not None
    system.deliver(system.stripe_event)
