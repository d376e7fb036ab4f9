-- A file without a run, so that read_json has one where no run has been yet.
create or replace macro no_run_file() as
  lake_root() || '/_empty/runs.json';
