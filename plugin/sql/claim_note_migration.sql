-- A migration has just been applied by a build, not by hand.
-- parameters: version checksum build
UPDATE :"schema".schema_migrations
SET checksum = :'checksum', build = :'build'
WHERE version = :'version'::integer
