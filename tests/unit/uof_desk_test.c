/*
 * feed/uof_desk: what is composed is what is parsed, and an entry that is not
 * whole is refused, as is one from outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "feed/uof.h"
#include "model/desk_entry.h"

#define HEAD "<overround_desk operator=\"tom\" timestamp=\"17\" "
#define EVENT "level=\"event\" event_id=\"sr:match:1\""
#define MARKET "level=\"market\" event_id=\"sr:match:1\""
#define NAMED "<market id=\"18\" specifiers=\"total=2.5\"/>"
#define ENDS "</overround_desk>"

static struct uof_parser *parser;

static bool parse(const char *xml, bool internal, struct arena *arena, struct message *message,
                  struct uof_error *error)
{
    return uof_parse(parser, str_of(xml), internal, arena, message, error);
}

/* Parsed, composed, parsed and composed again: the same text. */
static void is_well(const char *xml)
{
    struct arena arena;
    struct message message;
    struct uof_error error;
    struct buf first, second;

    arena_init(&arena, 1 << 20);
    buf_init(&first, 1 << 16);
    buf_init(&second, 1 << 16);
    if (!parse(xml, true, &arena, &message, &error))
        fail_msg("%s: %s", xml, error.text);
    assert_int_equal(message.type, MESSAGE_DESK);
    uof_desk_compose(&first, &message);
    if (!uof_parse(parser, buf_view(&first), true, &arena, &message, &error))
        fail_msg(STR_FMT ": %s", STR_ARG(buf_view(&first)), error.text);
    uof_desk_compose(&second, &message);
    assert_true(str_eq(buf_view(&first), buf_view(&second)));
    if (parse(xml, false, &arena, &message, &error))
        fail_msg("from outside: %s", xml);
    buf_fini(&first);
    buf_fini(&second);
    arena_fini(&arena);
}

static void is_refused(const char *xml)
{
    struct arena arena;
    struct message message;
    struct uof_error error = { 0 };

    arena_init(&arena, 1 << 20);
    if (parse(xml, true, &arena, &message, &error))
        fail_msg("taken: %s", xml);
    assert_int_not_equal(error.text[0], '\0');
    arena_fini(&arena);
}

static void what_is_composed_is_parsed(void **state)
{
    static const char *const entries[] = {
        HEAD "act=\"suspend\" level=\"all\"/>",
        HEAD "act=\"resume\" level=\"sport\" sport=\"sr:sport:1\"/>",
        HEAD "act=\"suspend\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"margin\" margin_e4=\"600\" " EVENT "/>",
        HEAD "act=\"margin\" " EVENT "/>",
        HEAD "act=\"price\" outcome=\"12\" odds=\"2.1\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"price\" outcome=\"12\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"limits\" stake_max_minor=\"0\" hold_above_minor=\"5\" " EVENT "/>",
        HEAD "act=\"factor\" customer=\"7\" factor_e4=\"0\"/>",
        HEAD "act=\"propose\" what=\"result\" " MARKET "><market id=\"18\">"
             "<outcome id=\"12\" result=\"1\" dead_heat_factor=\"0.3333\"/>"
             "<outcome id=\"13\" result=\"0\" void_factor=\"0.5\"/></market>" ENDS,
        HEAD "act=\"propose\" what=\"void\" start_time=\"5\" end_time=\"9\" " MARKET ">" NAMED
             ENDS,
        HEAD "act=\"confirm\" what=\"withdraw_void\" proposal=\"3\" proposer=\"sue\" " MARKET
             ">" NAMED ENDS,
        HEAD "act=\"reject\" proposal=\"3\" reason=\"a &quot;b&quot; &lt;c&gt; &amp;&#10;d\"/>",
        HEAD "act=\"note\" note=\"hold 5: decline\" reason=\"too much\"/>",
        HEAD "act=\"suspend\" level=\"all\" ticket=\"0123456789abcdef\"/>",
    };

    (void)state;
    for (unsigned i = 0; i < LENGTH(entries); i++)
        is_well(entries[i]);
}

static void what_is_not_whole_is_refused(void **state)
{
    static const char *const entries[] = {
        HEAD "act=\"dance\" level=\"all\"/>",
        HEAD "act=\"suspend\" level=\"all\" ticket=\"0123456789abcde\"/>",
        HEAD "act=\"suspend\" level=\"all\" ticket=\"0123456789abcdeF\"/>",
        HEAD "act=\"suspend\"/>",
        HEAD "act=\"suspend\" level=\"everywhere\"/>",
        HEAD "act=\"suspend\" level=\"all\" event_id=\"sr:match:1\"/>",
        HEAD "act=\"suspend\" level=\"sport\"/>",
        HEAD "act=\"suspend\" level=\"event\"/>",
        HEAD "act=\"suspend\" " MARKET "/>",
        HEAD "act=\"suspend\" " EVENT ">" NAMED ENDS,
        HEAD "act=\"suspend\" " MARKET ">" NAMED NAMED ENDS,
        HEAD "act=\"suspend\" level=\"all\" mood=\"bad\"/>",
        HEAD "act=\"suspend\" level=\"all\"><mood/>" ENDS,
        HEAD "act=\"margin\" margin_e4=\"-1\" level=\"all\"/>",
        HEAD "act=\"margin\" margin_e4=\"10001\" level=\"all\"/>",
        HEAD "act=\"price\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"price\" outcome=\"1\" odds=\"1.009\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"suspend\" odds=\"2\" level=\"all\"/>",
        HEAD "act=\"factor\" factor_e4=\"1\"/>",
        HEAD "act=\"propose\" what=\"result\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"propose\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"propose\" what=\"void\" " MARKET "><market id=\"1\">"
             "<outcome id=\"1\" result=\"1\"/></market>" ENDS,
        HEAD "act=\"propose\" what=\"result\" " MARKET "><market id=\"1\">"
             "<outcome id=\"1\" result=\"-1\"/></market>" ENDS,
        HEAD "act=\"confirm\" what=\"void\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"confirm\" what=\"void\" proposal=\"3\" " MARKET ">" NAMED ENDS,
        HEAD "act=\"reject\"/>",
        HEAD "act=\"note\"/>",
        HEAD "act=\"suspend\" level=\"all\" note=\"x\"/>",
        "<overround_desk act=\"suspend\" level=\"all\" timestamp=\"17\"/>",
        "<overround_desk act=\"suspend\" level=\"all\" operator=\"a b\" timestamp=\"17\"/>",
        "<overround_desk act=\"suspend\" level=\"all\" operator=\"tom\"/>",
    };

    (void)state;
    for (unsigned i = 0; i < LENGTH(entries); i++)
        is_refused(entries[i]);
}

static int set_up(void **state UNUSED)
{
    parser = uof_parser_new();
    return 0;
}

static int tear_down(void **state UNUSED)
{
    uof_parser_free(parser);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_composed_is_parsed),
        cmocka_unit_test(what_is_not_whole_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
