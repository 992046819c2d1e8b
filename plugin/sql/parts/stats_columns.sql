-- The figures over any set of runs `r`, as columns.  Rates and averages are over finished runs.
       count(*) AS total_runs,
       count(*) FILTER (WHERE r.status = 'completed') AS successful_runs,
       count(*) FILTER (WHERE r.status = 'failed') AS failed_runs,
       count(*) FILTER (WHERE r.status = 'cancelled') AS cancelled_runs,
       count(*) FILTER (WHERE r.status = 'running') AS running_runs,
       coalesce(avg((r.status = 'completed')::integer) FILTER (WHERE r.status <> 'running'),
                0)::double precision AS success_rate,
       coalesce(sum(r.new_wallets), 0) AS total_wallets_discovered,
       coalesce(sum(r.updated_wallets), 0) AS total_wallets_updated,
       avg(coalesce(r.new_wallets, 0) + coalesce(r.updated_wallets, 0))
           FILTER (WHERE r.status <> 'running')::double precision AS avg_wallets_per_run,
       avg(r.duration_seconds) FILTER (WHERE r.status <> 'running')::double precision
           AS avg_duration_seconds,
       to_char(max(r.started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_run_at
