-- One row per stretch [start, stop) of a day in which trades of the instrument may be lacking, and why
-- (gaps tells of its book). Times are UTC, on the arrival clock. Of a day that is not in the lake
-- nothing is known, and there is no row.
create or replace view trade_gaps as
select * exclude (trades)
from trade_gap_rows(all_files('trade_gaps'))
where cause <> 'midnight';
