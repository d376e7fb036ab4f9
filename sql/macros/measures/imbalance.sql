-- A scalar: (bids - asks) / (bids + asks) of two amounts, from -1 (asks alone) to 1 (bids alone). NULL
-- where one is NULL, or both are 0.
create or replace macro imbalance(bid_amount, ask_amount) as
  (bid_amount - ask_amount) / nullif(bid_amount + ask_amount, 0);
