-- One row per trade in an answer of REST whose exchange time is in [start, end), UTC: the rows that
-- the view rest_trades has of one instrument. Opens the days that it needs, whatever else is in the
-- lake.
create or replace macro rest_trades(instrument, start, "end") as table
select found.*
from lake_rows(files_between('rest_trades', instrument, start, "end")) as found
where is_between(found."timestamp", start, "end");
