/* Builds of the recorder for the pool: the real one under another version, and two with a twist.
 *
 *     VARIANT_SLOW     takes a quarter of a second longer to open
 *     VARIANT_DOOMED   fails once it has taken so many wallets, in its probation at the latest */
#define walltrack_plugin_v1 plain_entry
#include "recorder.c"
#undef walltrack_plugin_v1
__attribute__((visibility("default"))) const wt_plugin *walltrack_plugin_v1(void);

enum { SLOW_MS = 250, DOOM = 300 };

#ifdef VARIANT_SLOW

static wt_host_api slowed;
static const wt_host_api *plain_api;

/* What the recorder would do in the next turn it does later; to begin to open is the first such. */
static wt_timer *slow_timer(wt_host *host, uint64_t ms, wt_callback callback, void *user)
{
    return plain_api->timer(host, ms == 0 ? SLOW_MS : ms, callback, user);
}

static wt_status slow_open(const wt_host_api *api, wt_host *host, const wt_open_args *args,
                           void **self)
{
    plain_api = api;
    slowed = *api;
    slowed.timer = slow_timer;
    return plain_entry()->open(&slowed, host, args, self);
}

#endif
#ifdef VARIANT_DOOMED

static unsigned taken;

static wt_answer doomed_wallet(void *self, const wt_event *e, const wt_wallet *wallet)
{
    struct recorder *r = self;
    wt_answer answer = on_wallet(self, e, wallet);
    if (r->state == LIVE && answer == WT_TAKEN && ++taken % DOOM == 0)
        r->instance.api->fail(r->instance.host, WT_E_INTERNAL, "doomed, as planned");
    return answer;
}

#endif

const wt_plugin *walltrack_plugin_v1(void)
{
    static wt_plugin plugin;
    plugin = *plain_entry();
#ifdef VARIANT_SLOW
    plugin.open = slow_open;
#endif
#ifdef VARIANT_DOOMED
    plugin.on_wallet = doomed_wallet;
#endif
    return &plugin;
}
