-- From now on only this token moves the cursor.
-- parameters: stream token build seq
UPDATE :"schema".recorder_cursor
SET epoch = epoch + 1, token = :'token'::bigint, build = :'build', seq = :'seq'::bigint,
    backend_pid = pg_backend_pid(), claimed_at = now()
WHERE stream = :'stream'
