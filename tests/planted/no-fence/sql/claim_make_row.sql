-- Planted: looks whether there is a row without waiting for who holds it.
-- parameters: stream journal_id
INSERT INTO :"schema".recorder_cursor (stream, journal_id, epoch, token, seq)
SELECT :'stream', :'journal_id'::uuid, 0, 0, 0
WHERE NOT EXISTS (SELECT FROM :"schema".recorder_cursor WHERE stream = :'stream')
