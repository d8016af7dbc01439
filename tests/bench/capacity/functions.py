"""Lambda functions in virtual time: the real use cases and adapters on a simulated cloud."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, TypeVar, cast

from chalicelib.adapters.aws.sns_publisher import SnsPublisher
from chalicelib.adapters.aws.streak_timer import SqsStreakTimer
from chalicelib.adapters.dynamodb.looks import DynamoLooks
from chalicelib.adapters.dynamodb.totals import DynamoTotals
from chalicelib.adapters.dynamodb.work import DynamoWorkPositions
from chalicelib.adapters.threads import MAX_THREADS
from tests.bench.capacity.cloud import Costs, SimulatedMessaging, SimulatedTable
from tests.bench.capacity.limits import value
from tests.bench.capacity.simulation import Processor, Simulation, Task, VirtualClock, VirtualThreads
from tests.fake_topic import FakeRedriveQueue
from tests.stores import DynamoStore, cloud_at

Result = TypeVar("Result")

TABLE: Final = "capacity"
STREAK_PAUSE: Final = timedelta(seconds=5)


class SimulatedCloud:
    """A cloud, and the services that the workers' use cases take."""

    streak_pause = STREAK_PAUSE
    source = "/coinpurse/capacity"
    livemode = False

    def __init__(self) -> None:
        self.simulation = Simulation()
        self.table = SimulatedTable(self.simulation)
        self.messaging = SimulatedMessaging(self.simulation, self.table.costs)
        store = DynamoStore(TABLE, self.simulation.sleep)
        _answer(store.client, "dynamodb", self.table.answer)
        self.ledger, self.journal, self.memberships = store.ledger, store.journal, store.memberships
        self.positions, self.totals, self.looks = DynamoWorkPositions(TABLE), DynamoTotals(TABLE), DynamoLooks(TABLE)
        self.clock = VirtualClock(self.simulation)
        self.threads = VirtualThreads(self.simulation, MAX_THREADS)
        self.redrive_queue = FakeRedriveQueue()

    @property
    def costs(self) -> Costs:
        return self.table.costs

    @cached_property
    def publisher(self) -> SnsPublisher:
        publisher = SnsPublisher("arn:aws:sns:us-east-1:000000000000:capacity", self.threads)
        _answer(publisher._sns, "sns", self.messaging.answer)
        return publisher

    @cached_property
    def streak_timer(self) -> SqsStreakTimer:
        timer = SqsStreakTimer("https://queue.invalid/0/streaks", "https://queue.invalid/0/dead")
        _answer(timer._sqs, "sqs", self.messaging.answer)
        return timer

    def invoke(self, call: Callable[[], Any], after: float = 0.0) -> Task:
        """Start an invocation in an environment of its own."""
        share = min(1.0, value("lambda_memory") / value("lambda_memory_of_a_core"))
        return self.simulation.start(call, Processor(share=share), after)

    def run(self, call: Callable[[], Result]) -> Result:
        """Run one invocation until its end. Raises its error."""
        task = self.invoke(call)
        self.simulation.run()
        return cast("Result", task.result)


@contextmanager
def simulated_cloud() -> Iterator[SimulatedCloud]:
    """Build a cloud whose clients reach no network."""
    state = random.getstate()
    random.seed(0)  # the ledger's pauses, which have jitter, are the same in each run
    try:
        with cloud_at("http://127.0.0.1:9"):
            cloud = SimulatedCloud()
            assert isinstance(cloud.publisher, SnsPublisher)
            yield cloud
    finally:
        random.setstate(state)


def _answer(client: Any, service: str, handler: Callable[..., object]) -> None:
    client.meta.events.register(f"before-call.{service}", handler)
