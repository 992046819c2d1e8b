-- Ends the backend that claimed the stream last, if it is a recorder's and is still inside a
-- transaction that has touched the cursors.
-- parameters: stream
SELECT a.pid, pg_terminate_backend(a.pid)
FROM :"schema".recorder_cursor c
JOIN pg_stat_activity a ON a.pid = c.backend_pid
WHERE c.stream = :'stream'
  AND a.pid <> pg_backend_pid()
  AND a.application_name LIKE 'walltrack recorder %'
  AND EXISTS (
      SELECT FROM pg_locks l
      WHERE l.pid = a.pid AND l.granted AND l.mode IN ('RowExclusiveLock', 'RowShareLock')
        AND l.relation = c.tableoid)
