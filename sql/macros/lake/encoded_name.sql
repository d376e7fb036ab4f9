-- An instrument's name, percent-encoded: `~` too, which marks names that were cut, and a leading
-- underscore, so that no name is every engine's word for NULL, __HIVE_DEFAULT_PARTITION__.
create or replace macro encoded_name(instrument) as
  regexp_replace(replace(url_encode(instrument), '~', '%7E'), '^_', '%5F');
