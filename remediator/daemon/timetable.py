"""When a daemon does what: four jobs of APScheduler, none of which takes long.

A pass is only asked for here. Were it made here, too, one that is under way at its next deadline would have that job
skipped: APScheduler counts by the job's id how many are at it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from remediator.policy import Schedule

PASS, NEXT_DEADLINE, LEADERSHIP, POLICY = "pass", "next-deadline", "leadership", "policy"

# A Lease lasts 30 s, and is renewed after 6: a look every 3 s finds it free soon, and never renews it late.
CAMPAIGN_EVERY = timedelta(seconds=3)
_POLICY_EVERY = timedelta(seconds=10)
# Between two passes for deadlines: many that pass one after the other must not make one pass without an end.
_BREATH = timedelta(seconds=1)


class Timetable:
    """The jobs of a daemon, on a scheduler that may be any of APScheduler's; times are UTC."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        now: Callable[[], datetime],
        ask: Callable[[], None],
        campaign: Callable[[], None],
        reload: Callable[[], None],
        scheduler: Callable[..., BaseScheduler] = BackgroundScheduler,
        executor: BaseExecutor | None = None,
    ) -> None:
        """Make the jobs. `ask` asks for a pass and returns at once, `campaign` and `reload` take a few requests."""
        self._now = now
        self._ask = ask
        self._schedule = schedule
        self._scheduler = scheduler(
            timezone=UTC,
            executors={"default": executor or ThreadPoolExecutor(3)},
            # Late is better than never, and once is enough.
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        self._scheduler.add_job(campaign, _every(CAMPAIGN_EVERY, now()), id=LEADERSHIP, next_run_time=now())
        self._scheduler.add_job(reload, _every(_POLICY_EVERY, now()), id=POLICY)
        self._scheduler.add_job(ask, _trigger(schedule, now()), id=PASS)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Begin nothing more; what runs goes on."""
        self._scheduler.shutdown(wait=False)

    def follow(self, schedule: Schedule) -> None:
        """Go by another schedule from now on, if it is another."""
        if schedule != self._schedule:
            self._schedule = schedule
            self._scheduler.reschedule_job(PASS, trigger=_trigger(schedule, self._now()))

    def look_at(self, deadline: datetime | None) -> None:
        """Have a pass asked for when a deadline passes, instead of any that was waited for before."""
        if deadline is not None:
            at = max(deadline, self._now() + _BREATH)
            self._scheduler.add_job(self._ask, DateTrigger(at, timezone=UTC), id=NEXT_DEADLINE, replace_existing=True)
            return
        with suppress(JobLookupError):  # none was waited for, or it passes just now
            self._scheduler.remove_job(NEXT_DEADLINE)

    def after(self, moment: datetime, passes: int) -> datetime:
        """Tell when so many passes should have been made after a moment, jitter included."""
        trigger = _trigger(self._schedule, moment, jitter=False)
        for _ in range(passes):
            moment = trigger.get_next_fire_time(moment, moment) or moment
        return moment + self._schedule.jitter * passes


def _trigger(schedule: Schedule, now: datetime, *, jitter: bool = True) -> BaseTrigger:
    at_random = int(schedule.jitter.total_seconds()) if jitter else 0
    if schedule.cron:
        trigger = CronTrigger.from_crontab(schedule.cron, timezone=UTC)
        trigger.jitter = at_random or None
        return trigger
    return _every(schedule.interval, now, at_random)


def _every(interval: timedelta, now: datetime, jitter: int = 0) -> IntervalTrigger:
    return IntervalTrigger(
        seconds=int(interval.total_seconds()), start_date=now + interval, timezone=UTC, jitter=jitter or None
    )
