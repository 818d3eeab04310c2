"""Does what is queued, in a server process: any number of them share the queue."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

import procrastinate
from procrastinate import jobs as procrastinate_jobs
from procrastinate import retry

from server.jobs.service import MOST_WAIT_S, QUEUE, TASKS, Task, Work

THREADS = 2  # at once in this process: mails and webhooks wait for others most of their time
AGAIN_S = 5.0  # the database was away: as patient as everything else here
STOP_S = 5.0  # what is being done may end
# A job whose process was killed is taken up by another after this: three heartbeats of ten seconds.
STALLED_S = 30.0
_RETRY_STALLED = "jobs.retry_stalled"

_log = logging.getLogger(__name__)


class _Later(retry.BaseRetryStrategy):
    """Waits four times as long after each attempt, up to an hour."""

    def __init__(self, attempts: int) -> None:
        """attempts: in all."""
        self.attempts = attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate_jobs.Job
    ) -> procrastinate.RetryDecision | None:
        """When to try again; None: never."""
        del exception
        if job.attempts + 1 >= self.attempts:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": min(MOST_WAIT_S, 4 ** (job.attempts + 1))})


async def run(work: Work) -> None:
    """Works until it is cancelled; while the database is away it waits."""
    said = ""
    while True:
        app = _make_app(work)
        try:
            async with app.open_async():
                said = ""
                await app.run_worker_async(
                    queues=[QUEUE, "builtin"],
                    concurrency=THREADS,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=STOP_S,
                    delete_jobs="successful",
                )
                return  # cancelled: the worker ends what it does, then returns
        except (procrastinate.exceptions.ConnectorException, OSError) as error:
            reason = str(error.__cause__ or error).partition("\n")[0]
            if reason != said:
                _log.error("background work waits: %s", reason)
            said = reason
        await asyncio.sleep(AGAIN_S)


def run_waiting(work: Work) -> None:
    """Does what is due now and returns: for commands and tests."""

    async def once() -> None:
        app = _make_app(work)
        async with app.open_async():
            await app.run_worker_async(
                queues=[QUEUE], wait=False, install_signal_handlers=False, delete_jobs="successful", listen_notify=False
            )

    asyncio.run(once())


def _make_app(work: Work) -> procrastinate.App:
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=work.settings.database.conninfo, min_size=1, max_size=THREADS + 2, timeout=10.0
        )
    )
    for task in TASKS.values():
        made = app.task(name=task.name, queue=QUEUE, retry=_Later(task.attempts), pass_context=False)(_act(task, work))
        if task.cron is not None:
            app.periodic(cron=task.cron)(made)

    @app.periodic(cron="* * * * *")
    @app.task(name=_RETRY_STALLED, queue=QUEUE, queueing_lock=_RETRY_STALLED)
    async def retry_stalled(timestamp: int) -> None:
        del timestamp
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
            await app.job_manager.retry_job(job)

    return app


def _act(task: Task, work: Work) -> Callable[..., None]:
    def act(**args: Any) -> None:
        if task.cron is not None:
            args.pop("timestamp", None)
        try:
            task.act(work, **args)
        except Exception as error:
            # The whole story is procrastinate's to keep; arguments may hold addresses, so they are not logged.
            _log.warning("%s failed: %s", task.name, type(error).__name__)
            raise

    return act


@contextlib.asynccontextmanager
async def running(work: Work) -> Any:
    """Works for as long as the block runs."""
    working = asyncio.create_task(run(work), name="jobs")
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait({working}, timeout=STOP_S + 1)
        while not working.done():
            working.cancel()  # it waits for a database that is away, to say that it ends: others will notice that
            await asyncio.wait({working}, timeout=0.1)
