/* links: journal */
/* Events to bytes and back, and bytes of other origin. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ids.h"
#include "journal/event.h"

enum { FIRST_KIND = WT_RUN_START, LAST_KIND = WT_SLOT };

/* An event of each kind with every field set. */
static struct event full(int kind)
{
    struct event e;
    wt_uuid run = id_make();
    event_init(&e, kind, &run);
    switch (kind) {
    case WT_RUN_START:
        e.u.run_start.trigger = WT_TRIGGER_API;
        e.u.run_start.profile_immediately = 1;
        e.u.run_start.triggered_by = "operator";
        e.u.run_start.schedule = "";
        e.u.run_start.slot_at_us = INT64_C(1780000000000000);
        e.u.run_start.host_name = "h\xc3\xb6st";
        for (int i = 0; i < WT_PARAM_COUNT; i++)
            e.u.run_start.params.value[i] = INT64_C(100000000000000) - i;
        break;
    case WT_TOKEN:
        e.u.token.token = "token";
        e.u.token.symbol = "SYM";
        e.u.token.price_change_pct = -99.5;
        e.u.token.volume_usd = 1e300;
        break;
    case WT_WALLET:
        e.u.wallet.is_new = 0;
        e.u.wallet.score_e4 = 10000;
        e.u.wallet.address = "wallet";
        e.u.wallet.source_token = "token";
        e.u.wallet.profile = "{\"buys\":2}";
        break;
    case WT_RUN_ERROR:
        e.u.run_error.line = UINT32_MAX;
        e.u.run_error.message = "message";
        e.u.run_error.token = "token";
        e.u.run_error.code = "code";
        break;
    case WT_RUN_END:
        e.u.run_end.status = WT_RUN_FAILED;
        e.u.run_end.duration_us = 123456789;
        e.u.run_end.errors_dropped = 7;
        e.u.run_end.reason = "reason";
        break;
    default:
        e.u.slot.outcome = WT_SLOT_REFUSED;
        e.u.slot.due_us = -1;
        e.u.slot.schedule = "nightly";
        e.u.slot.reason = "reason";
        break;
    }
    return e;
}

/* The least that an event of each kind needs. */
static struct event bare(int kind)
{
    struct event e;
    event_init(&e, kind, NULL);
    if (kind == WT_RUN_START)
        e.u.run_start.host_name = "";
    if (kind == WT_TOKEN)
        e.u.token.token = "t";
    if (kind == WT_WALLET)
        e.u.wallet.address = e.u.wallet.source_token = "t";
    if (kind == WT_RUN_ERROR)
        e.u.run_error.message = "";
    if (kind == WT_RUN_END)
        e.u.run_end.status = WT_RUN_COMPLETED;
    if (kind == WT_SLOT)
        e.u.slot.schedule = "s";
    return e;
}

static size_t encode(const struct event *e, unsigned char out[EVENT_BODY_MAX])
{
    return event_encode(e, out, EVENT_BODY_MAX);
}

/* Decodes a copy of exactly `size` bytes, so that any step beyond them is noticed. */
static bool decodes(const struct event *head, const unsigned char *body, size_t size)
{
    struct event e = {.head = head->head};
    unsigned char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, body, size);
    bool good = event_decode(&e, copy, size);
    free(copy);
    return good;
}

static unsigned char body[EVENT_BODY_MAX], again[EVENT_BODY_MAX];

static void test_what_was_encoded_comes_back(void **state)
{
    (void)state;
    for (int kind = FIRST_KIND; kind <= LAST_KIND; kind++)
        for (int i = 0; i < 2; i++) {
            struct event e = i == 0 ? full(kind) : bare(kind);
            struct event back = {.head = e.head};
            size_t size = encode(&e, body);
            assert_true(size > 0);
            assert_true(event_decode(&back, body, size));
            assert_ptr_equal(back.head.body, body);
            assert_int_equal(back.head.body_size, size);
            assert_int_equal(encode(&back, again), size);
            assert_memory_equal(body, again, size);
        }
}

static void test_every_field_of_a_wallet_comes_back(void **state)
{
    (void)state;
    struct event e = full(WT_WALLET), back = {.head = e.head};
    size_t size = encode(&e, body);

    assert_true(event_decode(&back, body, size));

    assert_int_equal(back.u.wallet.struct_size, sizeof(wt_wallet));
    assert_int_equal(back.u.wallet.is_new, 0);
    assert_int_equal(back.u.wallet.score_e4, 10000);
    assert_string_equal(back.u.wallet.address, "wallet");
    assert_string_equal(back.u.wallet.source_token, "token");
    assert_string_equal(back.u.wallet.profile, "{\"buys\":2}");
    assert_int_equal(back.u.wallet.profile_size, 10);
}

static void test_every_field_of_a_run_start_comes_back(void **state)
{
    (void)state;
    struct event e = full(WT_RUN_START), back = {.head = e.head};
    size_t size = encode(&e, body);

    assert_true(event_decode(&back, body, size));

    assert_int_equal(back.u.run_start.trigger, WT_TRIGGER_API);
    assert_int_equal(back.u.run_start.profile_immediately, 1);
    assert_string_equal(back.u.run_start.triggered_by, "operator");
    assert_string_equal(back.u.run_start.schedule, ""); /* not NULL */
    assert_int_equal(back.u.run_start.slot_at_us, INT64_C(1780000000000000));
    assert_string_equal(back.u.run_start.host_name, "h\xc3\xb6st");
    assert_memory_equal(&back.u.run_start.params, &e.u.run_start.params, sizeof(wt_params));
}

static void test_absent_values_stay_absent(void **state)
{
    (void)state;
    struct event token = bare(WT_TOKEN), wallet = bare(WT_WALLET), start = bare(WT_RUN_START);

    assert_true(event_decode(&token, body, encode(&token, body)));
    assert_true(isnan(token.u.token.price_change_pct) && isnan(token.u.token.volume_usd));
    assert_null(token.u.token.symbol);
    assert_true(event_decode(&wallet, body, encode(&wallet, body)));
    assert_int_equal(wallet.u.wallet.is_new, -1);
    assert_int_equal(wallet.u.wallet.score_e4, WT_NO_SCORE);
    assert_null(wallet.u.wallet.profile);
    assert_true(event_decode(&start, body, encode(&start, body)));
    assert_int_equal(start.u.run_start.slot_at_us, WT_NO_TIME);
    assert_null(start.u.run_start.triggered_by);
}

static void test_the_format_is_what_the_header_says(void **state)
{
    (void)state;
    struct event e = bare(WT_SLOT);
    static const unsigned char expected[] = {
        0, 2, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 's', 0, 0, 0, 0, 0,
    };
    e.u.slot.due_us = 258;

    assert_int_equal(encode(&e, body), sizeof expected);
    assert_memory_equal(body, expected, sizeof expected);
}

static void test_bytes_that_end_early_or_late_are_refused(void **state)
{
    (void)state;
    for (int kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
        struct event e = full(kind);
        size_t size = encode(&e, body);
        for (size_t cut = 0; cut < size; cut++)
            assert_false(decodes(&e, body, cut));
        body[size] = 0;
        assert_false(decodes(&e, body, size + 1));
    }
}

static void test_a_string_ends_at_its_only_nul(void **state)
{
    (void)state;
    struct event e = full(WT_SLOT);
    size_t size = encode(&e, body);
    unsigned char *name = memmem(body, size, "nightly", 8);
    assert_non_null(name);

    name[3] = '\0';
    assert_false(decodes(&e, body, size));
    name[3] = 'h';
    name[7] = 'x';
    assert_false(decodes(&e, body, size));
    name[7] = '\0';
    assert_true(decodes(&e, body, size));
}

static void test_changed_bytes_are_refused_or_decoded_but_never_overrun(void **state)
{
    (void)state;
    for (int kind = FIRST_KIND; kind <= LAST_KIND; kind++) {
        struct event e = full(kind);
        size_t size = encode(&e, body);
        for (size_t i = 0; i < size; i++)
            for (int value = 0; value < 256; value += 5) {
                unsigned char before = body[i];
                body[i] = (unsigned char)value;
                decodes(&e, body, size);
                body[i] = before;
            }
    }
}

static void test_fields_out_of_range_are_refused_both_ways(void **state)
{
    (void)state;
    struct event e = full(WT_WALLET);
    size_t size = encode(&e, body);
    body[0] = 2; /* is_new */
    assert_false(decodes(&e, body, size));
    e.u.wallet.is_new = 2;
    assert_int_equal(encode(&e, body), 0);

    e = full(WT_WALLET);
    e.u.wallet.score_e4 = 10001;
    assert_int_equal(encode(&e, body), 0);
    e = full(WT_RUN_END);
    e.u.run_end.status = WT_RUN_RUNNING;
    assert_int_equal(encode(&e, body), 0);
    e = full(WT_WALLET);
    e.u.wallet.address = NULL;
    assert_int_equal(encode(&e, body), 0);
}

static void test_unknown_kinds_and_versions_are_refused(void **state)
{
    (void)state;
    struct event e = full(WT_SLOT);
    size_t size = encode(&e, body);

    e.head.body_version = 2;
    assert_false(decodes(&e, body, size));
    e.head.body_version = EVENT_BODY_VERSION;
    e.head.kind = 7;
    assert_false(decodes(&e, body, size));
    e.head.kind = 0;
    assert_false(decodes(&e, body, size));
    assert_string_equal(event_kind_name(7), "unknown");
    assert_string_equal(event_kind_name(WT_RUN_END), "run_end");
}

static void test_too_little_room_gives_nothing(void **state)
{
    (void)state;
    struct event e = full(WT_RUN_START);
    size_t size = encode(&e, body);
    for (size_t room = 0; room < size; room++) {
        unsigned char *out = malloc(room > 0 ? room : 1);
        assert_non_null(out);
        assert_int_equal(event_encode(&e, out, room), 0);
        free(out);
    }
}

static void test_a_run_start_has_the_id_of_its_run_and_others_their_own(void **state)
{
    (void)state;
    struct event start, token;
    wt_uuid run = id_make();

    event_init(&start, WT_RUN_START, &run);
    event_init(&token, WT_TOKEN, &run);

    assert_true(id_equal(&start.head.id, &run));
    assert_false(id_equal(&token.head.id, &run));
    assert_false(id_is_zero(&token.head.id));
    assert_true(id_equal(&token.head.run_id, &run));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_encoded_comes_back),
        cmocka_unit_test(test_every_field_of_a_wallet_comes_back),
        cmocka_unit_test(test_every_field_of_a_run_start_comes_back),
        cmocka_unit_test(test_absent_values_stay_absent),
        cmocka_unit_test(test_the_format_is_what_the_header_says),
        cmocka_unit_test(test_bytes_that_end_early_or_late_are_refused),
        cmocka_unit_test(test_a_string_ends_at_its_only_nul),
        cmocka_unit_test(test_changed_bytes_are_refused_or_decoded_but_never_overrun),
        cmocka_unit_test(test_fields_out_of_range_are_refused_both_ways),
        cmocka_unit_test(test_unknown_kinds_and_versions_are_refused),
        cmocka_unit_test(test_too_little_room_gives_nothing),
        cmocka_unit_test(test_a_run_start_has_the_id_of_its_run_and_others_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
