-- Planted: looks at the row without waiting for who holds it.
-- parameters: stream journal_id
SELECT seq, journal_id::text, journal_id = :'journal_id'::uuid
FROM :"schema".recorder_cursor
WHERE stream = :'stream'
