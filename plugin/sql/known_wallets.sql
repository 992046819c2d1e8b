-- Which of these pairs of wallet and run name a wallet that another run has recorded: their places
-- in the arrays, from 1.
-- parameters: wallets runs
SELECT u.place::integer
FROM unnest(:'wallets'::text[], :'runs'::uuid[]) WITH ORDINALITY AS u (wallet, run, place)
WHERE EXISTS (SELECT FROM :"schema".discovery_run_wallets w
              WHERE w.wallet_address = u.wallet AND w.run_id <> u.run)
