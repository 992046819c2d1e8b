/* history_questions.h: what bench_history asks, and how it was asked before.
 *
 * In arguments and statements some words with an @ stand for samples of the history.
 */
#ifndef BENCH_HISTORY_QUESTIONS_H
#define BENCH_HISTORY_QUESTIONS_H

#include "history_fill.h"

enum { SAMPLES = 64 };

/* In arguments and statements these stand for: a run, another, a wallet, a place somewhere in the
 * history as a cursor, as an offset and as the number of a page. */
enum { RUN, OTHER, WALLET, CURSOR, OFFSET, PAGE, SAMPLED };
static const char *const sample_marks[SAMPLED] = {"@run",    "@other",  "@wallet",
                                                  "@cursor", "@offset", "@page"};
static char samples[SAMPLES][SAMPLED][64];

/* And these for what a statement says. */
#define TEXT "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'"
#define DAYS_AGO(days)                                                                             \
    "SELECT to_char((now() - interval '" days " days') AT TIME ZONE 'UTC', " TEXT ")"
#define EDGES(unit, count, zone)                                                                   \
    "SELECT string_agg(to_char((date_trunc('" unit "', now() AT TIME ZONE '" zone "') - n"         \
    " * interval '1 " unit "') AT TIME ZONE '" zone "' AT TIME ZONE 'UTC', " TEXT "), ','"         \
    " ORDER BY n DESC) FROM generate_series(-1, " count " - 1) n"
static const struct {
    const char *mark, *sql;
} said[] = {
    {"@7 days", DAYS_AGO("7")},
    {"@30 days", DAYS_AGO("30")},
    {"@200 days", DAYS_AGO("200")},
    {"@weeks in UTC", EDGES("week", "52", "UTC")},
    {"@weeks in Kolkata", EDGES("week", "52", "Asia/Kolkata")},
    {"@months", EDGES("month", "12", "UTC")},
};
enum { SAID = sizeof said / sizeof said[0] };
static char *said_values[SAID];

#define BEFORE_ALL "SELECT * FROM " SCHEMA ".discovery_runs"
#define NEWEST " ORDER BY started_at DESC"
#define RANGE(days)                                                                                \
    " WHERE started_at >= now() - interval '" days "' AND started_at < now()" NEWEST " LIMIT 1000"
#define WEEKS(zone)                                                                                \
    "SELECT date_trunc('week', started_at AT TIME ZONE '" zone "'), count(*),"                     \
    " avg((status = 'completed')::int), sum(new_wallets), avg(duration_seconds),"                  \
    " percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY duration_seconds)"             \
    " FROM " SCHEMA ".discovery_runs WHERE started_at >= now() - interval '364 days' GROUP BY 1"

static const struct asked {
    const char *what, *question, *args, *before;
} list[] = {
    {"first page", "runs", "", BEFORE_ALL NEWEST " LIMIT 20"},
    {"page far back by cursor", "runs", "\"cursor\": \"@cursor\"",
     BEFORE_ALL NEWEST " OFFSET @offset LIMIT 20"},
    {"page far back by number", "runs", "\"page\": @page",
     BEFORE_ALL NEWEST " OFFSET @offset LIMIT 20"},
    {"page of 100 alone", "runs_only", "\"page_size\": 100", BEFORE_ALL NEWEST " LIMIT 100"},
    {"of 30 days", "runs", "\"start\": \"@30 days\"", BEFORE_ALL RANGE("30 days")},
    {"failed", "runs", "\"status\": \"failed\"",
     BEFORE_ALL " WHERE status = 'failed'" NEWEST " LIMIT 1000"},
    {"failed, by number", "runs", "\"status\": \"failed\", \"page\": 1000",
     BEFORE_ALL " WHERE status = 'failed'" NEWEST " OFFSET 20000 LIMIT 20"},
    {"running", "runs", "\"status\": \"running\"",
     BEFORE_ALL " WHERE status = 'running'" NEWEST " LIMIT 1000"},
    {"scheduled", "runs", "\"trigger_type\": \"scheduled\"",
     BEFORE_ALL " WHERE trigger_type = 'scheduled'" NEWEST " LIMIT 1000"},
    {"of one schedule", "runs", "\"schedule\": \"weekly\"",
     BEFORE_ALL " WHERE schedule = 'weekly'" NEWEST " LIMIT 1000"},
    {"by somebody rare", "runs", "\"triggered_by\": \"rare\"",
     BEFORE_ALL " WHERE triggered_by = 'rare'" NEWEST " LIMIT 1000"},
    {"with errors", "runs", "\"has_errors\": \"true\"",
     BEFORE_ALL " WHERE error_count > 0" NEWEST " LIMIT 1000"},
    {"of a parameter's range", "runs", "\"min_price_change_pct_min\": \"150\"",
     BEFORE_ALL " WHERE min_price_change_pct >= 150" NEWEST " LIMIT 1000"},
    {"of 60 to 300 s", "runs", "\"duration_min\": \"60\", \"duration_max\": \"300\"",
     BEFORE_ALL " WHERE duration_seconds BETWEEN 60 AND 300" NEWEST " LIMIT 1000"},
    {"of 61.234 to 312.345 s", "runs",
     "\"duration_min\": \"61.234\", \"duration_max\": \"312.345\"",
     BEFORE_ALL " WHERE duration_seconds BETWEEN 61.234 AND 312.345" NEWEST " LIMIT 1000"},
    {"of over an hour", "runs", "\"duration_min\": \"3600\"",
     BEFORE_ALL " WHERE duration_seconds >= 3600" NEWEST " LIMIT 1000"},
    {"that found a wallet", "runs", "\"wallet\": \"@wallet\"",
     BEFORE_ALL " WHERE id IN (SELECT run_id FROM " SCHEMA ".discovery_run_wallets WHERE"
                " wallet_address = '@wallet')" NEWEST " LIMIT 1000"},
    {"of all filters together", "runs",
     "\"start\": \"@200 days\", \"status\": \"completed\", \"trigger_type\": \"scheduled\","
     " \"schedule\": \"default\", \"has_errors\": \"true\", \"max_tokens_max\": \"50\","
     " \"duration_min\": \"30\"",
     BEFORE_ALL " WHERE started_at >= now() - interval '200 days' AND status = 'completed' AND"
                " schedule = 'default' AND error_count > 0 AND max_tokens <= 50 AND"
                " duration_seconds >= 30" NEWEST " LIMIT 1000"},
    {"statistics of 7 days", "stats", "\"start\": \"@7 days\"", BEFORE_ALL RANGE("7 days")},
    {"statistics of 30 days", "stats", "\"start\": \"@30 days\"", BEFORE_ALL RANGE("30 days")},
    {"statistics of all", "stats", "",
     "SELECT count(*), avg(duration_seconds), sum(new_wallets), percentile_cont(ARRAY[0.5, 0.9,"
     " 0.99]) WITHIN GROUP (ORDER BY duration_seconds) FROM " SCHEMA ".discovery_runs"},
    {"trend of 52 weeks", "trend", "\"edges\": \"@weeks in UTC\"", WEEKS("UTC")},
    {"trend of 52 weeks in Kolkata", "trend", "\"edges\": \"@weeks in Kolkata\"",
     WEEKS("Asia/Kolkata")},
    {"trend of 12 months", "trend", "\"edges\": \"@months\"", WEEKS("UTC")},
    {"trend of 52 weeks of failed runs", "trend",
     "\"status\": \"failed\", \"edges\": \"@weeks in UTC\"", WEEKS("UTC")},
    {"a run", "run", "\"run_id\": \"@run\"", BEFORE_ALL " WHERE id = '@run'"},
    {"a run's wallets", "run_wallets", "\"run_id\": \"@run\"",
     "SELECT * FROM " SCHEMA ".discovery_run_wallets WHERE run_id = '@run'"},
    {"a wallet's history", "wallet", "\"address\": \"@wallet\"",
     "SELECT * FROM " SCHEMA ".discovery_run_wallets w JOIN " SCHEMA ".discovery_runs r"
     " ON r.id = w.run_id WHERE wallet_address = '@wallet'"},
    {"two runs compared", "compare", "\"a\": \"@run\", \"b\": \"@other\"",
     "SELECT * FROM " SCHEMA ".discovery_run_wallets WHERE run_id IN ('@run', '@other')"},
};

static inline char *one(PGconn *conn, const char *sql)
{
    PGresult *r = PQexec(conn, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
        cannot_go_on("%s: %s", sql, PQerrorMessage(conn));
    char *text = strdup(PQgetvalue(r, 0, 0));
    PQclear(r);
    if (text == NULL)
        cannot_go_on("out of memory");
    return text;
}

static inline void choose_sample(PGconn *conn, int runs, int i)
{
    char sql[512];
    int place = (int)((int64_t)runs * (2 * i + 1) / (2 * SAMPLES));
    char(*s)[64] = samples[i];
    snprintf(s[OFFSET], sizeof s[0], "%d", place);
    snprintf(s[PAGE], sizeof s[0], "%d", place / 20 + 1);
    snprintf(sql, sizeof sql,
             "SELECT (extract(epoch FROM started_at) * 1000000)::bigint || '_' || id FROM " SCHEMA
             ".discovery_runs ORDER BY started_at DESC, id DESC OFFSET %d LIMIT 1",
             place);
    char *cursor = one(conn, sql);
    snprintf(s[CURSOR], sizeof s[0], "%s", cursor);
    const char *id = strchr(cursor, '_') + 1;
    snprintf(s[RUN], sizeof s[0], "%s", id);
    snprintf(samples[(i + 1) % SAMPLES][OTHER], sizeof s[0], "%s", id);
    snprintf(sql, sizeof sql,
             "SELECT max(wallet_address) FROM " SCHEMA ".discovery_run_wallets WHERE run_id = '%s'",
             id);
    char *wallet = one(conn, sql);
    snprintf(s[WALLET], sizeof s[0], "%s", wallet);
    free(wallet);
    free(cursor);
}

static inline void choose(PGconn *conn, int runs)
{
    for (int i = 0; i < SAMPLES; i++)
        choose_sample(conn, runs, i);
    for (size_t i = 0; i < SAID; i++)
        said_values[i] = one(conn, said[i].sql);
}

/* What the mark at `p` stands for; NULL when there is none. */
static inline const char *marked(const char *p, int sample, size_t *size)
{
    for (size_t i = 0; i < SAMPLED + SAID; i++) {
        const char *mark = i < SAMPLED ? sample_marks[i] : said[i - SAMPLED].mark;
        *size = strlen(mark);
        if (strncmp(p, mark, *size) == 0)
            return i < SAMPLED ? samples[sample][i] : said_values[i - SAMPLED];
    }
    return NULL;
}

static inline char *filled(const char *text, int sample)
{
    char *out = NULL;
    size_t size = 0, used;
    FILE *f = open_memstream(&out, &size);
    if (f == NULL)
        cannot_go_on("out of memory");
    for (const char *p = text; *p != '\0'; p++) {
        const char *value = *p == '@' ? marked(p, sample, &used) : NULL;
        if (value != NULL) {
            fputs(value, f);
            p += used - 1;
        } else {
            fputc(*p, f);
        }
    }
    fclose(f);
    return out;
}

#endif
