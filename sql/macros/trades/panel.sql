-- One row per instrument of a list and time of a grid over [start, end): the best bid and ask of the
-- book that stood then, side by side with the others': instrument, t, timestamp, local_timestamp, age,
-- bid_price, bid_amount, ask_price, ask_amount, mid; arrival clock, UTC. Every instrument has a row at
-- each time: where no book of it is known, or none younger than `max_age`, that is all NULL. An
-- instrument that is named twice counts once. `pivot` puts them into columns.
-- The query is put together as text, one for each instrument.
create or replace macro panel(instruments, start, "end", step, max_age := null) as table
from query(
  case when len(list_distinct(instruments)) > 0 then
    array_to_string(list_transform(
      list_sort(list_distinct(instruments)),
      lambda name: coalesce(
        format(
          'select ''{0}'' as instrument, *, mid(bid_price, ask_price) as mid from quote_grid('
          || '''{0}'', timestamp ''{1}'', timestamp ''{2}'', interval ''{3} microseconds'', '
          || 'max_age := {4})',
          replace(name, '''', ''''''), utc(start), utc("end"), step_us(step),
          coalesce('interval ''' || max_age::interval || '''', 'null')
        ),
        error('an instrument or a time was NULL; what would work: BTC-USD-SWAP-LIN, 2020-08-01')
      )
    ), ' union all ') || ' order by t, instrument'
  else error('there is no instrument in the list; what would work: [''BTC-USD-SWAP-LIN'']')
  end
);
