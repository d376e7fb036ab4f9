-- An instrument's name as its folder in the lake spells it: percent-encoded, cut when too long.
-- The same rule as folder_name() in pipeline/lake.py; a test holds the two together.
create or replace macro folder_name(instrument) as
  case
    when instrument is null
      then error('an instrument was NULL; what would work: the name of one, as BTC-USD-SWAP-LIN')
    when length(encoded_name(instrument)) <= 160 then encoded_name(instrument)
    else replace(left(encoded_name(instrument), 100), '%', '_')
      || '~' || left(sha256(instrument), 16)
  end;
