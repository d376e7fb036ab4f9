-- One row per run of `coinflex-l2 sync` or `verify` whose report is kept: when it was at work (UTC),
-- how it ended, what it did. `outcome` is done, lacking, failed, interrupted, cut_short (killed, or its end could not
-- be written), or running.
create or replace view runs as
select * exclude (exchange)
from read_json(
  [no_run_file(), run_files()],
  allow_empty = true,
  format = 'unstructured',
  columns = {
    run: 'varchar',
    command: 'varchar',
    exchange: 'varchar',
    release: 'varchar',
    process: 'bigint',
    started: 'timestamp',
    ended: 'timestamp',
    seconds: 'double',
    outcome: 'varchar',
    exit_code: 'integer',
    error: 'varchar',
    wanted_from: 'timestamp',
    wanted_to: 'timestamp',
    days_wanted: 'bigint',
    days_complete_before: 'bigint',
    days_that_need_a_key: 'bigint',
    days_not_covered_by_key: 'bigint',
    stopped_by: 'varchar',
    requests: 'bigint',
    minutes_fetched: 'bigint',
    minutes_without_data: 'bigint',
    minutes_asked_again: 'bigint',
    minutes_lacking: 'bigint',
    minutes_pending: 'bigint',
    minutes_postponed: 'bigint',
    bytes_fetched: 'bigint',
    days_ingested: 'bigint',
    days_in_conflict: 'bigint',
    days_being_recorded: 'bigint',
    slices_corrupt: 'bigint',
    derived_removed: 'bigint',
    days_verified: 'bigint',
    differences: 'bigint',
    lines: 'bigint',
    lines_quarantined: 'bigint',
    disconnects: 'bigint',
    days_lacking_raw: 'bigint',
    slices_thinned: 'bigint',
    slices_dropped: 'bigint',
    bytes_freed: 'bigint',
    runs_pruned: 'bigint',
    free_bytes: 'bigint',
    days: 'varchar',
    lacking: 'varchar',
    phases: 'varchar'
  }
)
where exchange = exchange_id()
order by run;
