/*
 * Routing keys of the feed, from the messages themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "feed/compose.h"
#include "feed/sender_amqp.h"

static const struct compose_head live = { PRODUCER_LIVE, { "sr:match:1234", 13 }, 5, 0 };
static const struct compose_head prematch = { PRODUCER_PREMATCH, { "sr:match:7", 10 }, 5, 9 };

static void key_is(struct buf *message, const char *want)
{
    struct buf key;

    buf_init(&key, 256);
    assert_true(sender_routing_key(buf_view(message), &key));
    assert_string_equal(key.p, want);
    buf_fini(&key);
    buf_reset(message);
}

static void keys_have_eight_words(void **state)
{
    struct compose_fixture fixture = { .event = STR("sr:match:1") };
    struct buf message;

    (void)state;
    buf_init(&message, 65536);
    compose_odds(&message, &live, NULL);
    compose_odds_end(&message);
    key_is(&message, "hi.-.live.odds_change.1.sr:match.1234.-");
    compose_odds(&message, &prematch, NULL);
    compose_odds_end(&message);
    key_is(&message, "hi.pre.-.odds_change.1.sr:match.7.-");
    compose_bet_stop(&message, &live);
    key_is(&message, "hi.-.live.bet_stop.1.sr:match.1234.-");
    compose_settlement(&message, &live, 1);
    compose_settlement_end(&message);
    key_is(&message, "lo.-.live.bet_settlement.1.sr:match.1234.-");
    compose_rollback(&message, &live);
    compose_rollback_end(&message);
    key_is(&message, "lo.-.live.rollback_bet_settlement.1.sr:match.1234.-");
    compose_fixture_change(&message, &prematch, 1, 5);
    key_is(&message, "lo.pre.-.fixture_change.1.sr:match.7.-");
    compose_alive(&message, PRODUCER_LIVE, 5, true);
    key_is(&message, "-.-.-.alive.-.-.-.-");
    compose_snapshot_complete(&message, PRODUCER_LIVE, 5, 1);
    key_is(&message, "-.-.-.snapshot_complete.-.-.-.-");
    compose_fixture(&message, &fixture, 5);
    key_is(&message, "-.-.-.fixtures_fixture.-.-.-.-");
    compose_descriptions(&message);
    key_is(&message, "-.-.-.market_descriptions.-.-.-.-");
    buf_fini(&message);
}

static void other_texts_have_no_key(void **state)
{
    static const char *const texts[] = {
        "", "<", "<>", "<?xml", "<?xml?>", "plain", "<other product=\"1\"/>", "<odds_change",
        "<odds_change product=\"1\" event_id=\"none\"/>",
        "<odds_change product=\"1\" event_id=\"sr:match:1.#\"/>",
        "<odds_change product=\"1\" event_id=\"sr:match:1",
    };
    struct buf key;

    (void)state;
    buf_init(&key, 256);
    for (size_t i = 0; i < LENGTH(texts); i++) {
        buf_reset(&key);
        assert_false(sender_routing_key(str_of(texts[i]), &key));
    }
    buf_fini(&key);
}

static void addresses_are_checked(void **state)
{
    const char *error;

    (void)state;
    assert_null(sender_amqp_new("amqp:/nothing", &error));
    assert_non_null(error);
    assert_null(sender_amqp_new("amqps://user:pass@host/x", &error));
    assert_non_null(strstr(error, "amqps"));
    assert_true(sender_is_amqp("amqp://h") && !sender_is_amqp("http://h"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_eight_words),
        cmocka_unit_test(other_texts_have_no_key),
        cmocka_unit_test(addresses_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
