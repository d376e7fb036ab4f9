"""The scheduled job: what is missing is fetched, ingested, looked after and reported, unattended.

wanted.py       which days are wanted, and can be had
fetching.py     the days that lack are fetched, and ingested meanwhile
settled.py      days that need no look, since nothing changed: a night with nothing to do is short
runs.py         what each run did, in `runs/`, whatever ended it
textfile.py     the last run for Prometheus
job.py          one run, from the lock to the report
"""

from pipeline.sync.job import SyncReport, sync

__all__ = ["SyncReport", "sync"]
