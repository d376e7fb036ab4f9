-- What an instrument's name says of it, INFERRED, as a struct: type (see inferred_type), base, counter,
-- and the expiry of a future (a date). All are NULL where the name is of no known form.
create or replace macro inferred_terms(instrument) as
  {
    'type': inferred_type(instrument),
    'base': case when inferred_type(instrument) is not null then split_part(instrument, '-', 1) end,
    'counter':
      case when inferred_type(instrument) is not null then split_part(instrument, '-', 2) end,
    'expiry':
      case when inferred_type(instrument) = 'future'
        then try_strptime(split_part(instrument, '-', 3), '%y%m%d')::date
      end
  };
