-- One row per instrument that Tardis lists of the exchange, as it said it when it was last asked: since
-- when, until when. None if it never was.
create or replace view listings as
select *
from read_parquet(listed_file('listings'))
order by instrument;
