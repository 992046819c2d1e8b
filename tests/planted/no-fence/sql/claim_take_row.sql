-- Planted: leaves no token.
-- parameters: stream token build seq
SELECT :'token'::bigint, :'build'::text, :'seq'::bigint
FROM :"schema".recorder_cursor
WHERE stream = :'stream'
