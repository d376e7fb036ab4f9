"""The scheduled job each night, for Airflow 3: copy it into the folder of DAGs.

A run that finds another one at work (exit code 75) is skipped. Whatever else fails is tried twice
more: it helps where minutes lack or Tardis was not reached (3), and does no harm where a human is
needed (1, 2). The key is the variable `tardis_api_key` of Airflow, which hides it in its logs;
without it the free days come alone.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

COMMAND = "coinflex-l2 --data /srv/coinflex-l2 sync --max-minutes 240"

with DAG(
    dag_id="coinflex_l2_sync",
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    # A night that was missed is made up for by the next one.
    catchup=False,
    max_active_runs=1,
    tags=["market data"],
    doc_md=__doc__,
) as dag:
    BashOperator(
        task_id="sync",
        bash_command=COMMAND,
        append_env=True,
        env={"TARDIS_API_KEY": "{{ var.value.get('tardis_api_key', '') }}"},
        skip_on_exit_code=75,
        retries=2,
        retry_delay=timedelta(hours=1),
        execution_timeout=timedelta(hours=6),
    )
