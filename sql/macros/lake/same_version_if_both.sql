-- A scalar, true: that two readings of one day were not of different versions of it, which is an error:
-- it was replaced in between. NULL, where one of the two found nothing, differs from no version. It
-- belongs where same_version does.
create or replace macro same_version_if_both(version, other) as
  case when version <> other then was_replaced() else true end;
