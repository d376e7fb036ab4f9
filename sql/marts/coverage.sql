-- One row per instrument and day in the lake: what was fetched, what is there, what was missed.
-- Read from the catalogue, one small file, however large the lake is.
create or replace view coverage as
select * exclude (source, schema_version)
from read_parquet(catalogue_file());
