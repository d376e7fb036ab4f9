-- A step's length in microseconds; for what is no step see positive.
create or replace macro step_us(step) as
  epoch_us(timestamp '1970-01-01' + positive(step));
