-- An instrument's name as its folder in the lake spells it: percent-encoded, cut when too long.
-- The same rule as folder_name() in pipeline/lake.py; a test holds the two together.
create or replace macro folder_name(instrument) as
  case
    when length(replace(url_encode(instrument), '~', '%7E')) <= 160
      then replace(url_encode(instrument), '~', '%7E')
    else replace(left(replace(url_encode(instrument), '~', '%7E'), 100), '%', '_')
      || '~' || left(sha256(instrument), 16)
  end;
