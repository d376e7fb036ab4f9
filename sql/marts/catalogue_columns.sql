-- One row per column of each view: its type, its unit or clock, and what it says. The columns of a
-- range macro are those of the view of the same name. Where views stand in several databases that a
-- client has attached, each column has one row all the same.
create or replace view catalogue_columns as
with
  meanings as (
    select told[1] as view_name, told[2] as column_name, told[3] as unit, told[4] as meaning
    from (select unnest(from_json(columns_json(), '["varchar[]"]')) as told)
  )

select distinct
  meanings.view_name, meanings.column_name, found.data_type as type, unit, meaning, found.column_index as place
from meanings
join duckdb_columns() as found
  on found.table_name = meanings.view_name and found.column_name = meanings.column_name
order by meanings.view_name, place;
