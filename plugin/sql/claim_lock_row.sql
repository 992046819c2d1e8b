-- Waits for a transaction of the holder before, then says how far it came.
-- parameters: stream journal_id
SELECT seq, journal_id::text, journal_id = :'journal_id'::uuid
FROM :"schema".recorder_cursor
WHERE stream = :'stream'
FOR UPDATE
