-- One row per instrument and UTC day that Tardis lists or the lake has: in which condition what the lake
-- has of it is, for a study to filter by. complete: every minute was fetched, and nothing is known to
-- lack. degraded: it is there, and `reasons` says what lacks. missing: it could be had, and is not in the
-- lake. pending: the day is not over, or for less than a day, so it may still come. suspect: all of it was
-- fetched and the instrument was listed, yet there is not a line of it. not_listed: the lake has the day, on
-- which the instrument was not listed. What Tardis lists is as it said it last; what it never said is not
-- known, and then only what the lake has is here.
create or replace view conditions as
with
  today as (
    select (now() at time zone 'UTC')::date as today
  ),

  listed as (
    select
      instrument,
      greatest(available_since, recorded_since) as since,
      least(available_to, recorded_to, today.today::timestamp + interval 1 day) as until
    from listings
    cross join today
  ),

  listed_days as (
    select
      instrument,
      unnest(
        range(since::date, (until - interval 1 microsecond)::date + 1, interval 1 day)
      )::date as date,
      since,
      until
    from listed
    where since < until
  ),

  expected as (
    select
      instrument, date, true as is_listed,
      date_diff(
        'minute', greatest(since, date::timestamp), least(until, (date + 1)::timestamp)
      ) as minutes
    from listed_days
    union all
    select instrument, date, false, 0
    from listed
    cross join catalogued_days
    anti join listed_days using (instrument, date)
  ),

  impaired as (
    select distinct catalogued.instrument, catalogued.date, true as has_incident
    from catalogued
    inner join incidents
      on incidents.start < (catalogued.date + 1)::timestamp
      and incidents.stop > catalogued.date::timestamp
  ),

  looked_at as (
    select
      instrument, date,
      coalesce(expected.is_listed, true) as is_listed,
      catalogued.minutes_fetched is not null as is_there,
      coalesce(catalogued.is_recorded, false) as is_recorded,
      coalesce(catalogued_days.minutes_fetched, 0) >= coalesce(nullif(minutes, 0), 1440)
      and coalesce(list_contains(instruments_asked, instrument), true) as was_asked_for,
      list_filter(
        [
          if(catalogued.minutes_fetched < coalesce(nullif(minutes, 0), 1440), 'minutes_lacking', null),
          if(depth_messages = 0, 'no_books', null),
          if(disconnects > 0, 'disconnects', null),
          if(missed_snapshots > 0, 'missed_snapshots', null),
          if(checksum_mismatches > 0, 'checksum_mismatches', null),
          if(has_incident, 'incident', null),
          if(quarantined > 0, 'quarantined', null),
          if(conflict is not null, 'conflict', null)
        ],
        lambda reason: reason is not null
      ) as reasons
    from expected
    full join catalogued using (instrument, date)
    left join impaired using (instrument, date)
    left join catalogued_days using (date)
  )

select
  instrument, date,
  case
    when is_recorded or (is_there and date >= today.today) then 'pending'
    when is_there and list_contains(reasons, 'minutes_lacking') and date = today.today - 1
      then 'pending'
    when is_there and len(reasons) > 0 then 'degraded'
    when is_there then 'complete'
    when not is_listed then 'not_listed'
    when date >= today.today - 1 then 'pending'
    when was_asked_for then 'suspect'
    else 'missing'
  end as condition,
  if(is_there, reasons, null) as reasons
from looked_at
cross join today
order by instrument, date;
