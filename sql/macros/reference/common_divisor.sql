-- The greatest number of which all of a list of DOUBLEs are multiples, as decimals; the nearest DOUBLE.
-- NULL where there is none of 1e-9 or more (one of them has more than nine decimals, or is no
-- number), where all are 0, and of an empty list.
create or replace macro common_divisor(numbers) as
  nullif(
    list_reduce(
      list_transform(numbers, lambda number: billionths(number)),
      lambda one, other: gcd(one, other),
      0::hugeint
    ),
    0
  ) / 1e9;
