-- A scalar: the start of the step of [start, …) that a TIMESTAMP lies in, as grid has it.
create or replace macro step_of(t, start, step) as
  utc(start) + to_microseconds(
    (epoch_us(t) - epoch_us(utc(start))) // step_us(step) * step_us(step)
  );
