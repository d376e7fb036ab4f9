-- A scalar: never a value, but the error that two readings of one day were of different versions of it.
create or replace macro was_replaced() as
  error(
    'the lake was replaced while it was read; ask again (or, if an ingest was cut short, run it again)'
  );
