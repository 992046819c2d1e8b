-- The claim as it is nearly always: the schema is complete, the stream has its row, the journal is
-- the row's, and nothing is gone between the cursor and the journal.  All of it in one message.
-- When one of that does not hold, no row comes back and nothing has been changed.  The update waits
-- for a transaction of the holder before and then looks at the row again, as that left it.
-- parameters: stream journal_id token build oldest head schema_version
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '2s';
-- Nobody relies on this commit before a later one that is waited for: a crash that loses it ends
-- our connection too, and hands the same token out to nobody.  But where standbys are waited
-- for, it also speaks for the batch before, whose own wait may have been cut short.
SELECT set_config('synchronous_commit',
    CASE current_setting('synchronous_standby_names') WHEN '' THEN 'off' ELSE 'on' END, true);
UPDATE :"schema".recorder_cursor
SET epoch = epoch + 1, token = :'token'::bigint, build = :'build',
    backend_pid = pg_backend_pid(), claimed_at = now()
WHERE stream = :'stream' AND journal_id = :'journal_id'::uuid
  AND seq BETWEEN :'oldest'::bigint - 1 AND :'head'::bigint
  AND NOT EXISTS (
      SELECT FROM :"schema".schema_migrations
      WHERE coalesce(oldest_writer, version) > :'schema_version'::integer)
RETURNING seq;
COMMIT
