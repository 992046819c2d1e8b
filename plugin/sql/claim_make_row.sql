-- The cursor row of a stream that is new.  Nothing when the stream or the journal has one.
-- parameters: stream journal_id
INSERT INTO :"schema".recorder_cursor (stream, journal_id, epoch, token, seq)
VALUES (:'stream', :'journal_id'::uuid, 0, 0, 0)
ON CONFLICT DO NOTHING
