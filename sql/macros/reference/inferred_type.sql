-- What kind of instrument a name says, INFERRED by the forms of name that were seen: BTC-flexUSD is
-- 'spot', BTC-USD-SWAP-LIN 'perpetual', BTC-USD-200925-LIN 'future', BTC-USD-REPO-LIN 'repo',
-- BTC-USD-SPR-QP-LIN 'spread'. NULL where a name is of no such form.
create or replace macro inferred_type(instrument) as
  case
    when regexp_full_match(instrument, '[^-]+-[^-]+') then 'spot'
    when regexp_full_match(instrument, '[^-]+-[^-]+-SWAP(-[^-]+)*') then 'perpetual'
    when regexp_full_match(instrument, '[^-]+-[^-]+-REPO(-[^-]+)*') then 'repo'
    when regexp_full_match(instrument, '[^-]+-[^-]+-SPR(-[^-]+)*') then 'spread'
    when regexp_full_match(instrument, '[^-]+-[^-]+-\d{6}(-[^-]+)*')
      and try_strptime(split_part(instrument, '-', 3), '%y%m%d') is not null
      then 'future'
  end;
