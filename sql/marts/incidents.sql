-- One row per time [start, stop) in which Tardis says that its recording of the exchange is impaired, as
-- it said it when it was last asked. None if it never was.
create or replace view incidents as
select *
from read_parquet(listed_file('incidents'))
order by start, stop;
