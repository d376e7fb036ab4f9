-- One row per view and macro of this catalogue: name, kind ('view', 'table macro', 'macro'), topic,
-- parameters as text, and its comment: what a row of it is, in which unit and on which clock. Topics
-- 'parts', 'lake' and 'times' are what the others are made of. Where to begin:
-- from catalogue where topic not in ('parts', 'lake', 'times').
create or replace view catalogue as
select
  told[1] as name,
  told[2] as kind,
  told[3] as topic,
  told[4] as parameters,
  told[5] as comment
from (select unnest(from_json(catalogue_json(), '["varchar[]"]')) as told)
order by topic, name, kind;
