-- The files that say what each run did, of all exchanges: a pattern for read_json.
create or replace macro run_files() as
  data_root() || '/runs/[0-9]*.json';
