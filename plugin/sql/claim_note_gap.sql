-- Events that will never be in this database.
-- parameters: stream first last
INSERT INTO :"schema".recorder_gaps (stream, first, last)
VALUES (:'stream', :'first'::bigint, :'last'::bigint)
