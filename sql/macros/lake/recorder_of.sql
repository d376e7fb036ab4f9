-- Whose clock the rows of an origin have: 'history' for whatever came from Tardis or was imported, else
-- the origin itself, as live:api.coinflex.us. What one recorder has carries on over midnight, not what
-- another has: one may lack what the other got just before.
create or replace macro recorder_of(origin) as
  case when starts_with(origin, 'live:') then origin else 'history' end;
