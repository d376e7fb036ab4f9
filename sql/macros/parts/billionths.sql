-- A DOUBLE as a whole number (HUGEINT) of billionths; NULL if it is not the double nearest to any text
-- of up to nine decimals, or is 1e20 or more. The exchange sends decimals, and the lake holds the
-- double nearest to each: text is the exact way between the two.
create or replace macro billionths(number) as
  case
    when abs(number) < 1e20
      and try_cast(number::varchar as decimal(38, 9))::varchar::double = number
      then (try_cast(number::varchar as decimal(38, 9)) * 1000000000)::hugeint
  end;
