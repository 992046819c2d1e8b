-- The migrations that this schema has, oldest first.
SELECT version, coalesce(oldest_writer, version), checksum
FROM :"schema".schema_migrations
ORDER BY version
